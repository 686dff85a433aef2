"""The same node as Proxmox VE 9.2: what its API does otherwise than 8.4, on a real guest. VMID 198.

A card added to a running guest is plugged in (pve-container 6.0.4); a changed or removed one waits for a restart.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from rocmox_lab.settings import LabPlaces
from tests.end_to_end.conftest import LAB, Run, on_node, play

pytestmark = [pytest.mark.lab, pytest.mark.timeout(600)]

SMALL = {"cores": 1, "memory_mib": 512, "disk_gib": 2, "storage": "local", "template": "debian-12-standard"}
FIRST, SECOND = "0000:03:00.0", "0000:06:00.0"
ONE = {"vmid": 198, "hostname": "nine", "gpus": [FIRST], **SMALL}
BOTH = ONE | {"gpus": [FIRST, SECOND]}
OTHER = ONE | {"gpus": [SECOND]}


def as_version(lab: dict[str, str], version: str) -> None:
    """The API and the commands of the node answer as this release from now on."""
    path = LabPlaces(name=LAB).node_settings / "node.json"
    settings = json.loads(path.read_text(encoding="utf-8")) | {"pve_version": version}
    path.write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
    on_node(lab, "systemctl", "restart", "rocmox-lab-api.service")
    wait = "until curl --silent --insecure --output /dev/null https://localhost:8006/; do sleep 0.2; done"
    on_node(lab, "sh", "-c", wait)


@pytest.fixture(scope="module")
def nine(lab: dict[str, str]) -> Iterator[dict[str, str]]:
    as_version(lab, "9.2")
    yield lab
    run = play("-e", settings(ONE), "-e", "remove_site_confirm=yes", playbook="playbooks/remove_site.yml")
    as_version(lab, lab["pve_version"])
    assert run.exit_status == 0, run.output


def settings(entry: dict[str, Any]) -> str:
    return json.dumps({"gpu_containers": [entry], "gpu_container_repair_at_boot": False})


def create(entry: dict[str, Any], *arguments: str) -> Run:
    run = play("-e", settings(entry), *arguments, playbook="playbooks/create_containers.yml")
    assert run.exit_status == 0, run.output[-4000:]
    return run


def init(lab: dict[str, str]) -> str:
    return on_node(lab, "lxc-info", "--name", "198", "--pid", "--no-humanize").strip()


def seen(lab: dict[str, str]) -> list[str]:
    return on_node(lab, "lxc-attach", "-n", "198", "--", "ls", "/dev/dri").split()


def test_a_guest_comes_into_being_without_a_restart(nine: dict[str, str]) -> None:
    """Its group ids are read once it runs, and its devices are plugged in."""
    create(ONE)
    assert seen(nine) == ["card1", "renderD128"]
    tasks = json.loads(on_node(nine, "pvesh", "get", "/nodes/pve1/tasks", "--vmid", "198", "--output-format", "json"))
    assert sorted(task["type"] for task in tasks) == ["vzcreate", "vzstart"]
    assert sum(create(ONE).changed.values()) == 0


def test_an_added_card_is_plugged_into_the_running_guest(nine: dict[str, str]) -> None:
    before = init(nine)
    checked = create(BOTH, "--check", "--diff")
    assert "restart" not in checked.output.partition("--- before")[2].partition("PLAY RECAP")[0]
    create(BOTH)
    assert init(nine) == before
    assert seen(nine) == ["card1", "card2", "renderD128", "renderD129"]
    opened = "python3 -c 'import os; os.open(\"/dev/dri/renderD129\", os.O_RDWR)' 2>&1 || true"
    assert "No such device or address" in on_node(nine, "lxc-attach", "-n", "198", "--", "sh", "-c", opened)
    assert sum(create(BOTH).changed.values()) == 0


def test_a_removed_card_waits_for_the_restart_that_apply_makes(nine: dict[str, str]) -> None:
    before = init(nine)
    assert "restart: needed for" in create(OTHER, "--check", "--diff").output
    create(OTHER)
    assert init(nine) != before
    assert seen(nine) == ["card2", "renderD129"]
    assert sum(create(OTHER).changed.values()) == 0
