"""A real lab node under faults: `rocmox containers` as a process against it, and what is found on it afterwards."""

from __future__ import annotations

import dataclasses
import json
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rocmox.machine import LocalMachine
from rocmox_lab import services
from rocmox_lab.faults import records
from rocmox_lab.faults.registry import find_fault
from rocmox_lab.faults.target import FaultTarget, target_of_lab
from rocmox_lab.state import read_state
from tests.end_to_end.conftest import BIN, LAB, ROOT, environment

OURS, FOREIGN = (711, 712), (790, 791)
_SMALL = {"cores": 1, "memory_mib": 512, "disk_gib": 2, "storage": "local", "template": "debian-12-standard"}
CARDS = {"vmid": 711, "hostname": "cards", "gpus": ["0000:06:00.0"], **_SMALL}
PLAIN = {"vmid": 712, "hostname": "plain", "gpus": [], **_SMALL}
_SHORT = {"gpu_container_shutdown_timeout_seconds": 10, "gpu_container_start_timeout_seconds": 60}
_LONGEST_RUN_SECONDS, _REBOOT_SECONDS = 300, 180
_LOOK = """
cd /etc/pve/lxc && sha256sum 790.conf 791.conf; pct status 790; pct status 791
ls -l --time-style=+ /var/lib/vz/images/790 /var/lib/vz/images/791 | grep raw
"""
_LEFT = """
grep -l '^lock:' /etc/pve/lxc/711.conf /etc/pve/lxc/712.conf 2>/dev/null
for disk in /var/lib/vz/images/71[12]/*; do
    vmid=$(basename "$(dirname "$disk")")
    [ ! -e "$disk" ] || grep -qs "$(basename "$disk")" "/etc/pve/lxc/$vmid.conf" || echo "$disk"
done
ls /var/lib/rocmox/creations 2>/dev/null
pvesh get "/nodes/$(hostname)/tasks" --source active --output-format json | grep -o 'UPID[^"]*' | grep -v ':aptupdate:'
"""
_REMOVE = (
    "for vmid in 711 712 790 791; do pct unlock $vmid; pct stop $vmid; pct destroy $vmid; done >/dev/null 2>&1; true"
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Ended:
    """A run of `rocmox containers`."""

    exit_status: int
    output: str


class FaultNode:
    """The node of the test lab, with an inventory of its own below `folder`."""

    def __init__(self, folder: Path) -> None:
        state = read_state(LAB)
        assert state is not None
        self._state = state
        self.table: list[str] = []
        self.inventory = folder / "inventory"
        shutil.copytree(ROOT / "inventory" / "lab", self.inventory)

    @property
    def target(self) -> FaultTarget:
        """Where faults are set."""
        return target_of_lab(LocalMachine(root="/"), LAB)

    def wish(self, wished: Sequence[Mapping[str, Any]], *, way: str = "https") -> None:
        """Put the wish into the inventory."""
        text = json.dumps({"gpu_containers": list(wished), "gpu_container_way": way, **_SHORT})
        (self.inventory / "group_vars" / "pve_hosts" / "zz_faults.yml").write_text(text, encoding="utf-8")

    def containers(self, action: str, *, kill_when_fired: str = "") -> Ended:
        """`rocmox containers ACTION`; killed with SIGKILL as soon as the named fault fires."""
        command = [BIN / "rocmox", "containers", action, "--inventory", self.inventory]
        with subprocess.Popen(
            command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process:
            while kill_when_fired and process.poll() is None:
                if self.fired(kill_when_fired):
                    process.send_signal(signal.SIGKILL)
                    break
                time.sleep(0.05)
            output, _ = process.communicate(timeout=_LONGEST_RUN_SECONDS)
        return Ended(exit_status=process.returncode, output=output)

    def break_it(self, fault: str, words: Sequence[str]) -> None:
        """Set a fault."""
        found = find_fault(fault)
        records.set_fault(self.target, found, found.read(words))

    def fired(self, fault: str) -> int:
        """How often it fired so far."""
        return records.fired_count(self.target, fault)

    def mend(self) -> None:
        """Clear every fault, and wait for a node that reboots."""
        deadline = time.monotonic() + _REBOOT_SECONDS
        while not services.ask_services(self._state).all and time.monotonic() < deadline:
            time.sleep(1)
        records.clear_all(self.target)

    def shell(self, script: str) -> str:
        """What a script on the node prints, whatever its exit status."""
        state = self._state
        ssh = ["ssh", "-i", state.ssh_private_key, "-o", f"UserKnownHostsFile={state.known_hosts}"]
        words = [*ssh, "-o", "BatchMode=yes", f"root@{state.node_address}", f"sh -c {shlex.quote(script)}"]
        return subprocess.run(words, check=False, stdout=subprocess.PIPE, text=True, timeout=180).stdout

    def plant_foreign(self) -> None:
        """One that runs and comes back with the node, one that is stopped and carries our tag."""
        self.remove_all()
        template = "$(pveam list local | grep -o 'local:vztmpl/debian-12[^ ]*' | head -1)"
        self.shell(
            "pveam list local | grep -q debian-12 || pveam download local "
            "$(pveam available --section system | grep -o 'debian-12-standard[^ ]*' | tail -1)"
        )
        common = f"{template} --rootfs local:1 --unprivileged 1 --memory 256"
        made = self.shell(
            f"pct create 790 {common} --hostname mail --onboot 1 --features nesting=1 && pct start 790; "
            f"pct create 791 {common} --hostname web --tags rocmox; pct list"
        )
        assert "mail" in made, made
        assert "web" in made, made

    def remove_all(self) -> None:
        """Take away what the campaign made."""
        self.shell(_REMOVE)

    def empty(self) -> None:
        """Take away our containers alone."""
        self.shell(_REMOVE.replace(" 790 791", ""))

    def foreign(self) -> str:
        """Configuration, state and disks of the foreign containers; waits for the one that starts with the node."""
        deadline = time.monotonic() + 60
        while "running" not in (found := self.shell(_LOOK)) and time.monotonic() < deadline:
            time.sleep(1)
        return found

    def left_over(self) -> str:
        """Locks, disks that nobody names, notes and running tasks: empty on a node where all is well."""
        return self.shell(_LEFT).strip()
