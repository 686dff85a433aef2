"""`rocmox lab` on this machine: up, found in place, two at once, killed, down; the machine is as found afterwards."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rocmox.machine import LocalMachine
from rocmox_lab.residue import difference, inventory_of_machine
from rocmox_lab.state import lab_names

pytestmark = [pytest.mark.alone, pytest.mark.lab, pytest.mark.timeout(900)]

MACHINE = LocalMachine(root="/")
NAMES = ("e2e-a", "e2e-b")
SEED = int(os.environ.get("SEED", "1"))


def rocmox(*words: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if key != "ROCMOX_LAB"}
    return subprocess.run(
        [sys.executable, "-m", "rocmox", "lab", *words], capture_output=True, text=True, check=False, env=environment
    )


def up(name: str, *options: str) -> dict[str, Any]:
    done = rocmox("up", "--name", name, *options)
    assert done.returncode == 0, done.stderr
    return status(name)


def status(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(rocmox("status", "--name", name, "--json").stdout)
    return document


def ssh(lab: dict[str, Any], *command: str) -> subprocess.CompletedProcess[str]:
    options = (
        "-o",
        f"UserKnownHostsFile={lab['known_hosts']}",
        "-o",
        "StrictHostKeyChecking=yes",
        "-o",
        "BatchMode=yes",
    )
    return subprocess.run(
        ["ssh", "-i", lab["ssh_private_key"], *options, f"root@{lab['node_address']}", *command],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.fixture(autouse=True)
def machine_is_left_as_found() -> Iterator[None]:
    """Whatever a test does: after `down` of its labs nothing has come and nothing has gone."""
    assert os.geteuid() == 0, "the lab needs root"
    for name in NAMES:
        rocmox("down", "--name", name)
    before = inventory_of_machine(MACHINE)
    others = set(lab_names())
    yield
    for name in NAMES:
        assert rocmox("down", "--name", name).returncode == 0
    found = difference(before, inventory_of_machine(MACHINE))
    others |= set(lab_names())
    if others:
        found.pop("loop_devices", None)  # another lab's guests come and go; ours have a test of their own
    mine = [f"{kind}: {line}" for kind, lines in found.items() for line in lines if not concerns(line, others)]
    assert mine == []


def concerns(line: str, labs: set[str]) -> bool:
    """Whether a line is about one of these labs, which somebody else works with meanwhile."""
    return any(f"{mark}{lab}" in line for lab in labs for mark in ("/labs/", "/labs/.", "rocmox-", "rmx-", "rmxv-"))


def test_the_residue_list_sees_a_lab() -> None:
    before = inventory_of_machine(MACHINE)
    up("e2e-a")
    seen = difference(before, inventory_of_machine(MACHINE))
    assert {"links", "addresses", "firewall", "mounts", "control_groups", "processes", "files"} <= seen.keys()
    assert "+ rmx-e2e-a" in seen["links"]


def test_up_gives_a_node_that_is_what_the_state_says() -> None:
    lab = up("e2e-a", "--node", "pve7", "--pve", "9.2", "--gpus", "w7900x2")
    assert lab["up"], lab
    assert lab["services"] == {"ssh": True, "api": True, "mirror": True}
    assert ssh(lab, "hostname").stdout == "pve7\n"
    assert ssh(lab, "systemctl", "is-system-running").stdout == "running\n"
    assert ssh(lab, "stat", "-f", "-c", "%T", "/sys/fs/cgroup").stdout == "cgroup2fs\n"
    devices = ssh(lab, "stat", "-c", "%n:%G:%a", "/dev/kfd", "/dev/dri/card1", "/dev/dri/renderD129").stdout.split()
    assert devices == ["/dev/kfd:render:660", "/dev/dri/card1:video:660", "/dev/dri/renderD129:render:660"]
    assert "0 packets received" not in ssh(lab, "ping", "-c1", "-W2", lab["gateway"]).stdout
    assert ssh(lab, "apt-get", "update", "-qq").returncode == 0


def test_a_host_key_that_is_not_the_nodes_is_refused(tmp_path: Path) -> None:
    lab = up("e2e-a")
    stranger = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(stranger)], check=True)
    (tmp_path / "known").write_text(f"{lab['node_address']} {stranger.with_suffix('.pub').read_text()}")
    refused = ssh({**lab, "known_hosts": str(tmp_path / "known")}, "true")
    assert refused.returncode == 255
    assert "Host key verification failed" in refused.stderr


def test_a_second_up_finds_it_in_place_quickly_and_other_settings_are_refused() -> None:
    up("e2e-a", "--pve", "8.4")
    started = time.monotonic()
    assert "lab e2e-a found in place" in rocmox("up", "--name", "e2e-a").stderr
    assert time.monotonic() - started < 3
    refused = rocmox("up", "--name", "e2e-a", "--pve", "9.2")
    assert refused.returncode == 2
    assert "HINT: `rocmox lab down --name e2e-a` first" in refused.stderr


def test_cards_are_switched_while_the_node_runs() -> None:
    lab = up("e2e-a", "--gpus", "mi50x3")
    assert ssh(lab, "ls", "/dev/dri").stdout.split() == [
        *("card0", "card1", "card2", "card3", "renderD128", "renderD129", "renderD130")
    ]
    lab = up("e2e-a", "--gpus", "none")
    assert ssh(lab, "ls", "/dev/kfd", "/dev/dri").returncode != 0
    lab = up("e2e-a", "--gpus", "mi50x1")
    assert ssh(lab, "ls", "/dev/dri").stdout.split() == ["card0", "renderD128"]


def test_two_labs_live_side_by_side() -> None:
    first, second = up("e2e-a"), up("e2e-b")
    assert first["subnet"] != second["subnet"]
    assert first["bridge"] != second["bridge"]
    rocmox("down", "--name", "e2e-a")
    assert status("e2e-b")["up"]
    assert ssh(second, "apt-get", "update", "-qq").returncode == 0
    assert rocmox("status", "--name", "e2e-a").returncode == 2


GUEST = """
set -e
pveam download local debian-12-standard_12.12-1_amd64.tar.zst
pct create 112 local:vztmpl/debian-12-standard_12.12-1_amd64.tar.zst --unprivileged 1 \
    --features nesting=1 --rootfs local:2 --net0 name=eth0,bridge=vmbr0,ip=PREFIX.112/24,gw=PREFIX.1
pct start 112
pct exec 112 -- sh -c 'until systemctl is-system-running --wait 2>/dev/null; do sleep 0.3; done'
"""


def test_the_node_reboots_and_down_ends_guests_that_run() -> None:
    lab = up("e2e-a", "--gpus", "mi50x1")
    before = lab["node_pid"]
    ssh(lab, "reboot")
    deadline = time.monotonic() + 30
    while not (now := status("e2e-a"))["up"] or now["node_pid"] == before:
        assert time.monotonic() < deadline, "the node did not come back"
        time.sleep(0.5)
    assert ssh(lab, "ls", "/dev/dri").stdout.split() == ["card0", "renderD128"]
    prefix = lab["gateway"].rpartition(".")[0]
    created = ssh(lab, GUEST.replace("PREFIX", prefix))
    assert created.stdout.splitlines()[-1] == "running", created.stderr
    assert ssh(lab, "ping", "-c1", "-W2", f"{prefix}.112").returncode == 0
    started = time.monotonic()
    assert rocmox("down", "--name", "e2e-a").returncode == 0
    assert time.monotonic() - started < 15


def test_down_detaches_loop_devices() -> None:
    lab = up("e2e-a")
    ssh(lab, "truncate -s 64M /var/lib/vz/left.raw && losetup --find /var/lib/vz/left.raw")
    assert "left.raw" in ssh(lab, "losetup", "--list").stdout
    assert rocmox("down", "--name", "e2e-a").returncode == 0
    assert "left.raw" not in MACHINE.run(["losetup", "--list"]).stdout


# A machine of its own as far as the network goes, under pure cgroup2 as on a current Debian, with Docker's FORWARD
# policy; `outside` is a neighbour behind it. Arguments: Python, lab.
DROPPING_MACHINE = """
set -e
umount -R /sys/fs/cgroup; mount -t sysfs none /sys; mount -t cgroup2 none /sys/fs/cgroup; ip link set lo up
unshare --net sleep 300 & outside=$!
trap 'kill $outside' EXIT
sleep 0.5
ip link add inner type veth peer name outer netns /proc/$outside/ns/net
ip address add 198.51.100.1/24 dev inner; ip link set inner up
nsenter --net=/proc/$outside/ns/net sh -c 'ip address add 198.51.100.2/24 dev outer; ip link set outer up'
iptables -P FORWARD DROP
try() {
    enter="nsenter --mount=/run/rocmox/labs/$2.mnt lxc-attach -P /var/lib/rocmox/labs/$2/lxc -n rocmox-$2 --"
    if $enter ping -c1 -W2 198.51.100.2 >/dev/null; then echo "$1: reached"; else echo "$1: blocked"; fi
}
"$1" -m rocmox lab up --name "$2"
try 'with rules' "$2"
nft flush chain ip filter FORWARD
try 'without rules' "$2"
"$1" -m rocmox lab down --name "$2"
iptables -S FORWARD
"""


def test_a_machine_that_drops_what_it_forwards_lets_the_lab_out() -> None:
    done = subprocess.run(
        [
            *("unshare", "--net", "--mount", "--propagation", "private"),
            *("bash", "-c", DROPPING_MACHINE, "bash", sys.executable, "e2e-a"),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.stdout.splitlines() == ["with rules: reached", "without rules: blocked", "-P FORWARD DROP"], done.stderr


@pytest.mark.parametrize("moment", range(3))
def test_up_killed_at_a_random_moment_converges(moment: int) -> None:
    """SIGKILL to the process; what it had started lives on or not. The next `up` makes a whole lab of it."""
    seconds = random.Random(SEED * 100 + moment).uniform(0.15, 1.8)  # noqa: S311 - a moment, no secret
    with subprocess.Popen(
        [sys.executable, "-m", "rocmox", "lab", "up", "--name", "e2e-a"], stderr=subprocess.DEVNULL
    ) as process:
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
    lab = up("e2e-a")
    assert lab["up"], f"killed after {seconds:.2f} s"
    assert ssh(lab, "systemctl", "is-system-running").stdout == "running\n"


@pytest.mark.parametrize("moment", range(2))
def test_what_a_killed_up_and_a_killed_down_leave_goes_with_the_next_down(moment: int) -> None:
    random_number = random.Random(SEED * 100 + 50 + moment)  # noqa: S311 - a moment, no secret
    for action, longest_seconds in (("up", 1.8), ("down", 0.5)):
        with subprocess.Popen(
            [sys.executable, "-m", "rocmox", "lab", action, "--name", "e2e-a"], stderr=subprocess.DEVNULL
        ) as process:
            time.sleep(random_number.uniform(0.15, longest_seconds))
            process.send_signal(signal.SIGKILL)
    assert rocmox("down", "--name", "e2e-a").returncode == 0
    assert not Path("/var/lib/rocmox/labs/e2e-a").exists()
