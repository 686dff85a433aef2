"""Containers without a password of the API, old ones taken over, and the repair at boot: on a lab node over SSH.

VMIDs 186 and 187 keep it apart from the site and from test_containers.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.end_to_end.conftest import Run, on_node, play

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900)]

CREATE = "playbooks/create_containers.yml"
REMOVE = "playbooks/remove_site.yml"
TEMPLATE = "local:vztmpl/debian-12-standard_12.12-1_amd64.tar.zst"
SMALL = {"cores": 1, "memory_mib": 512, "disk_gib": 2, "storage": "local", "template": "debian-12-standard"}
CARDS = {"vmid": 186, "hostname": "cards", "gpus": ["0000:06:00.0"], **SMALL}
OLD = {"vmid": 187, "hostname": "old", "gpus": ["0000:06:00.0"], **SMALL}
RAW = """lxc.cgroup2.devices.allow: c 226:* rwm
lxc.cgroup2.devices.allow: c 10:200 rwm
lxc.mount.entry: /dev/kfd dev/kfd none bind,optional,create=file
lxc.mount.entry: /dev/dri dev/dri none bind,optional,create=dir
"""
CONFIG = "/etc/pve/lxc/{vmid}.conf"


def settings(entry: dict[str, Any], **others: Any) -> str:
    """Without a password, so the way in is SSH."""
    return json.dumps({"gpu_containers": [entry], "pve_api_password": "", **others})


def flat(run: Run) -> str:
    """Without the line breaks that Ansible puts into long messages."""
    return " ".join(run.output.split())


def create(entry: dict[str, Any], **others: Any) -> Run:
    run = play("-e", settings(entry, **others), playbook=CREATE)
    assert run.exit_status == 0, run.output[-4000:]
    return run


@pytest.fixture(scope="module")
def node(lab: dict[str, str]) -> Iterator[dict[str, str]]:
    yield lab
    for entry in (CARDS, OLD):
        run = play("-e", settings(entry), "-e", "remove_site_confirm=yes", playbook=REMOVE)
        assert run.exit_status == 0, run.output
    left = on_node(lab, "sh", "-c", "ls /etc/rocmox/containers 2>/dev/null || true")
    assert "186" not in left
    assert "187" not in left


def devices(node: dict[str, str], vmid: int) -> list[str]:
    lines = on_node(node, "cat", CONFIG.format(vmid=vmid)).splitlines()
    return [line.split()[1].split(",")[0] for line in lines if line.startswith("dev")]


def test_without_a_password_the_way_is_pvesh_over_ssh_and_the_result_the_same(node: dict[str, str]) -> None:
    checked = play("-e", settings(CARDS), "--check", "--diff", playbook=CREATE)
    assert checked.exit_status == 0, checked.output
    first = create(CARDS)
    assert f"pvesh over ssh://root@{node['node_address']} (host key verified) as root@pam" in flat(first)
    assert devices(node, 186) == ["/dev/kfd", "/dev/dri/renderD129", "/dev/dri/card2"]
    assert sum(create(CARDS).changed.values()) == 0
    https = play("-e", json.dumps({"gpu_containers": [CARDS]}), playbook=CREATE)
    assert (https.exit_status, sum(https.changed.values())) == (0, 0), https.output
    assert "HTTPS to https://" in https.output


def test_a_card_that_changed_its_number_is_followed_at_boot(node: dict[str, str]) -> None:
    create(CARDS)
    config = CONFIG.format(vmid=186)
    before = on_node(node, "cat", config)
    on_node(node, "pct", "stop", "186")
    on_node(node, "sed", "-i", "s/renderD129/renderD150/", config)
    assert "255" in on_node(node, "sh", "-c", "pct start 186 2>&1; echo $?")
    on_node(node, "systemctl", "start", "rocmox-repair.service")
    assert on_node(node, "cat", config) == before
    on_node(node, "pct", "start", "186")
    assert on_node(node, "systemctl", "is-enabled", "rocmox-repair.service").strip() == "enabled"
    assert on_node(node, "stat", "-c", "%a", "/etc/rocmox/containers/186.json").strip() == "600"


def test_a_container_of_the_old_way_is_adopted_and_migrated(node: dict[str, str]) -> None:
    config = CONFIG.format(vmid=187)
    net = "name=eth0,bridge=vmbr0,ip=dhcp"
    options = ["--hostname", "old", "--rootfs", "local:2", "--unprivileged", "1", "--memory", "512", "--net0", net]
    on_node(node, "pct", "create", "187", TEMPLATE, *options)
    on_node(node, "sh", "-c", f"printf '%s' '{RAW}' >> {config}")
    on_node(node, "pct", "start", "187")
    foreign = play("-e", settings(OLD), playbook=CREATE)
    assert foreign.exit_status != 0
    assert "rocmox containers adopt" in flat(foreign)
    adopted = create(OLD, gpu_container_state="adopted")
    assert adopted.changed["pve1"] == 1
    assert sum(create(OLD, gpu_container_state="adopted").changed.values()) == 0
    warned = create(OLD)
    assert "passes cards by raw lines" in flat(warned)
    assert devices(node, 187) == []
    create(OLD, gpu_container_migrate_legacy=True)
    assert devices(node, 187) == ["/dev/kfd", "/dev/dri/renderD129", "/dev/dri/card2"]
    text = on_node(node, "cat", config)
    assert [line for line in text.splitlines() if line.startswith("lxc.")] == [
        "lxc.cgroup2.devices.allow: c 10:200 rwm"
    ]
    assert "lxc.mount.entry: /dev/kfd" in on_node(node, "sh", "-c", "cat /var/lib/rocmox/container-backups/187.conf.*")
    seen = on_node(node, "lxc-attach", "-n", "187", "--", "stat", "-c", "%G %a", "/dev/kfd", "/dev/dri/renderD129")
    assert seen.split() == ["render", "660", "render", "660"]
    assert sum(create(OLD, gpu_container_migrate_legacy=True).changed.values()) == 0
