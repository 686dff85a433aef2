"""A node of a running lab (`rocmox lab up --name NAME --node pve`): real containers behind the same API."""

from __future__ import annotations

import http.client
import json
import shlex
import ssl
import subprocess
from pathlib import Path
from typing import Any

from tests.contract import seed_accounts, world

LABS = Path("/var/lib/rocmox/labs")
REAL_TEMPLATE = "debian-12-standard_12.12-1_amd64.tar.zst"
PORT = 8006
# Everything an earlier file left: guests, volumes, tasks, storages, accounts.
CLEAN = f"""
for vmid in $(pct list | awk 'NR > 1 {{print $1}}'); do
  pct unlock "$vmid" 2>/dev/null; pct set "$vmid" -protection 0 2>/dev/null; pct destroy "$vmid" --force --purge
done >/dev/null 2>&1
rm -rf /etc/pve/lxc/*.conf /etc/pve/storage.cfg /var/lib/vz/images/* /srv/data /var/log/pve/tasks /dev/gonedev
rm -f /etc/network/interfaces.new
cd /var/lib/vz/template/cache 2>/dev/null || {{ mkdir -p /var/lib/vz/template/cache && cd /var/lib/vz/template/cache; }}
find . -type f ! -name {world.TEMPLATE} -delete
test -s {world.TEMPLATE} || python3 -c "
import json, urllib.request
mirror = json.load(open('/etc/rocmox-lab/node.json'))['mirror_url']
urllib.request.urlretrieve(mirror + '/images/system/{REAL_TEMPLATE}', '{world.TEMPLATE}')"
"""


class LabWorld:
    """One fresh set-up on a lab's node."""

    def __init__(self, name: str) -> None:
        state: dict[str, Any] = json.loads((LABS / name / "state.json").read_text(encoding="utf-8"))
        if state["node"] != world.NODE:
            message = (
                f"the node of lab {name} is {state['node']}: start it with `rocmox lab up --name {name} --node pve`"
            )
            raise SystemExit(message)
        self._address = state["node_address"]
        self._ssh = [
            "ssh", "-i", state["ssh_private_key"], "-o", f"UserKnownHostsFile={state['known_hosts']}",
            "-o", "StrictHostKeyChecking=yes", "-o", "ControlMaster=auto", "-o", "ControlPersist=60",
            "-o", f"ControlPath={LABS / name}/contract-%C", f"root@{self._address}",
        ]  # fmt: skip
        self._shell(CLEAN)
        script = Path(seed_accounts.__file__).read_text(encoding="utf-8")
        command = f"cd / && PYTHONPATH=/usr/lib/rocmox-lab python3 -c {shlex.quote(script)}"
        self._shell(command, stdin=json.dumps(world.accounts()))

    def _shell(self, script: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self._ssh, script], input=stdin, capture_output=True, text=True, check=False, timeout=300
        )

    def connect(self) -> http.client.HTTPConnection:
        context = ssl._create_unverified_context()  # noqa: S323 - the lab's own certificate, on this machine
        return http.client.HTTPSConnection(self._address, PORT, context=context, timeout=120)

    def run(self, argv: list[str], stdin: str) -> subprocess.CompletedProcess[str]:
        return self._shell(shlex.join(argv), stdin)

    def by_hand(self, argv: list[str]) -> None:
        self._shell(shlex.join(argv))

    def read(self, path: str) -> str:
        return self._shell(f"cat {shlex.quote(path)}").stdout

    def write(self, path: str, text: str) -> None:
        self._shell(f"cat > {shlex.quote(path)}", stdin=text)

    def make_device(self, path: str) -> None:
        self._shell(f"mknod {shlex.quote(path)} c 235 9")

    def remove(self, path: str) -> None:
        self._shell(f"rm -f {shlex.quote(path)}")

    def close(self) -> None:
        self._shell(CLEAN)
        subprocess.run([*self._ssh[:-1], "-O", "exit", self._ssh[-1]], capture_output=True, check=False)
