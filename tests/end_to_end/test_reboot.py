"""The node really reboots, and its cards come back under other numbers: the repair at boot, and without it, drift.

VMIDs 196 and 197. The node's `/sys` is constructed, so it is the next boot's that is put in place before the reboot.
"""

import dataclasses
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rocmox.health.probes.run import run_probe
from rocmox.machine.container import ContainerMachine
from rocmox.machine.ssh import SshMachine
from rocmox_lab.gpu_devices import build_gpu_tree
from rocmox_lab.gpus import Profile
from rocmox_lab.gpus.profiles import profile_named
from rocmox_lab.settings import LabPlaces
from tests.end_to_end.conftest import BIN, LAB, ROOT, environment, on_node, play

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900)]

CREATE = "playbooks/create_containers.yml"
CARD = profile_named("mi50x3").cards[2].address
SMALL = {"cores": 1, "memory_mib": 512, "disk_gib": 2, "storage": "local", "template": "debian-12-standard"}
FOLLOWS = {"vmid": 196, "hostname": "follows", "gpus": [CARD], **SMALL}
STAYS = {"vmid": 197, "hostname": "stays", "gpus": [CARD], **SMALL}
BEFORE = ["/dev/kfd", "/dev/dri/renderD130", "/dev/dri/card3"]
AFTER = ["/dev/kfd", "/dev/dri/renderD129", "/dev/dri/card1"]


def settings(*entries: dict[str, Any], **others: Any) -> str:
    return json.dumps({"gpu_containers": list(entries), **others})


def create(*entries: dict[str, Any], **others: Any) -> None:
    run = play("-e", settings(*entries, **others), playbook=CREATE)
    assert run.exit_status == 0, run.output[-4000:]


def renumbered() -> Profile:
    """Another order of the cards, and no BMC display that takes card0."""
    profile = profile_named("mi50x3")
    board = dataclasses.replace(profile.board, has_bmc_display=False)
    return dataclasses.replace(profile, board=board, cards=(*profile.cards[1:], profile.cards[0]))


def reboot(lab: dict[str, str], profile: str | Profile) -> None:
    """`systemctl reboot` of the node with these cards, until its API answers again."""
    places = LabPlaces(name=LAB)
    lines = build_gpu_tree(profile, places.gpu_tree)
    (places.node_settings / "devices.conf").write_text(lines, encoding="utf-8")
    before = status()["node_pid"]
    subprocess.run(["ssh", *ssh_options(lab), f"root@{lab['node_address']}", "systemctl reboot"], check=False)
    deadline = time.monotonic() + 120
    while (now := status())["node_pid"] in {before, None} or not now["up"]:
        assert time.monotonic() < deadline, now
        time.sleep(0.5)
    on_node(lab, "sh", "-c", "systemctl is-system-running --wait || true")  # degraded: a guest did not start


def status() -> dict[str, Any]:
    argv = [BIN / "rocmox", "lab", "status", "--name", LAB, "--json"]
    found: dict[str, Any] = json.loads(subprocess.run(argv, stdout=subprocess.PIPE, check=False).stdout)
    return found


def ssh_options(lab: dict[str, str]) -> list[str]:
    return ["-i", lab["ssh_private_key"], "-o", f"UserKnownHostsFile={lab['known_hosts']}", "-o", "BatchMode=yes"]


def devices(lab: dict[str, str], vmid: int) -> list[str]:
    lines = on_node(lab, "cat", f"/etc/pve/lxc/{vmid}.conf").splitlines()
    return [line.split()[1].split(",")[0] for line in lines if line.startswith("dev")]


def answers(lab: dict[str, str], vmid: int, paths: list[str]) -> list[str | None]:
    """What the guest's probe gets when it opens these as a user of render and video."""
    guest = ContainerMachine(SshMachine(f"root@{lab['node_address']}", options=ssh_options(lab)), vmid)
    guest.run(["sh", "-c", "id llama >/dev/null 2>&1 || useradd --system llama"]).check()
    answer = run_probe(guest, "device_access", {"user": "llama", "groups": ["render", "video"], "paths": paths})
    return [device["error"] for device in answer["devices"]]


def containers(action: str, folder: Path, *entries: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    """`rocmox containers ACTION` for these wishes alone."""
    shutil.copytree(ROOT / "inventory/lab", folder, dirs_exist_ok=True)
    (folder / "group_vars/pve_hosts/wishes.yml").write_text(settings(*entries), encoding="utf-8")
    argv = [BIN / "rocmox", "containers", action, "--inventory", folder, "--json"]
    return subprocess.run(argv, cwd=ROOT, env=environment(), capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def rebooted(lab: dict[str, str]) -> Iterator[dict[str, str]]:
    """Two guests with the same card, one of them without the repair at boot, on a node that has rebooted."""
    create(STAYS, gpu_container_repair_at_boot=False)
    create(FOLLOWS)
    assert devices(lab, 196) == devices(lab, 197) == BEFORE
    reboot(lab, renumbered())
    yield lab
    for entry in (FOLLOWS, STAYS):
        run = play("-e", settings(entry), "-e", "remove_site_confirm=yes", playbook="playbooks/remove_site.yml")
        assert run.exit_status == 0, run.output
    reboot(lab, lab["gpus"])


def test_the_repair_comes_before_the_guests_and_the_devices_open(rebooted: dict[str, str]) -> None:
    assert devices(rebooted, 196) == AFTER
    journal = on_node(rebooted, "journalctl", "-b", "-u", "rocmox-repair", "-u", "pve-guests", "-o", "cat")
    assert journal.index("change container 196: dev") < journal.index("CT 196: started")
    assert answers(rebooted, 196, [*AFTER, *BEFORE[1:]]) == ["ENXIO", "ENXIO", "ENXIO", "ENOENT", "ENOENT"]


def test_what_no_repair_follows_does_not_start_is_drift_and_apply_mends_it(
    rebooted: dict[str, str], tmp_path: Path
) -> None:
    assert devices(rebooted, 197) == BEFORE
    journal = on_node(rebooted, "journalctl", "-b", "-u", "pve-guests", "-o", "cat")
    assert "CT 197: Device /dev/dri/card3 does not exist" in journal
    drift = containers("drift", tmp_path, STAYS)
    assert (drift.returncode, "/dev/dri/card1" in drift.stdout) == (1, True), drift.stderr
    applied = containers("apply", tmp_path, STAYS)
    assert applied.returncode == 0, applied.stderr
    assert devices(rebooted, 197) == AFTER
    assert answers(rebooted, 197, AFTER) == ["ENXIO", "ENXIO", "ENXIO"]
    again = containers("drift", tmp_path, FOLLOWS, STAYS)
    assert again.returncode == 0, again.stdout
