"""The inventories people copy from say what the contracts ask for."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from rocmox.containers.spec.container import parse_specs

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted(path for path in (ROOT / "inventory" / "example").iterdir() if path.is_dir())
CONTAINER_KEYS = {
    "vmid",
    "hostname",
    "gpus",
    "cores",
    "memory_mib",
    "disk_gib",
    "storage",
    "bridge",
    "template",
    "unprivileged",
}


def load(path: Path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text()) if path.exists() else {}


def nodes_of(example: Path) -> dict[str, dict[str, Any]]:
    """Each node with its variables: those of all, and its own."""
    children = load(example / "hosts.yml")["all"]["children"]
    common = load(example / "group_vars" / "all.yml")
    return {node: common | load(example / "host_vars" / f"{node}.yml") for node in children["pve_hosts"]["hosts"]}


def guests_of(example: Path) -> dict[str, dict[str, Any]]:
    children = load(example / "hosts.yml")["all"]["children"]
    return {**children["gpu_guests"]["hosts"], **children["webui_guests"]["hosts"]}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_example_has_the_three_groups(example: Path) -> None:
    children = load(example / "hosts.yml")["all"]["children"]
    assert {"pve_hosts", "gpu_guests", "webui_guests"} <= set(children)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_every_guest_of_an_example_is_a_wished_container(example: Path) -> None:
    nodes = nodes_of(example)
    (first, *others) = nodes
    guests = {
        (settings["pve_node_inventory_host"] if others else first, guest, settings["proxmox_vmid"])
        for guest, settings in guests_of(example).items()
    }
    desired = {
        (node, entry["hostname"], entry["vmid"])
        for node, variables in nodes.items()
        for entry in variables["gpu_containers"]
    }
    assert desired == guests


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_example_containers_spell_out_every_key(example: Path) -> None:
    entries = [entry for variables in nodes_of(example).values() for entry in variables["gpu_containers"]]
    assert [CONTAINER_KEYS - set(entry) for entry in entries] == [set()] * len(entries)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_what_an_example_desires_is_valid_and_its_nodes_are_told_apart(example: Path) -> None:
    nodes = nodes_of(example)
    for variables in nodes.values():
        parse_specs(variables["gpu_containers"])
    assert len({variables["pve_api_host"] for variables in nodes.values()}) == len(nodes)
    addresses = [entry["ip"] for variables in nodes.values() for entry in variables["gpu_containers"]]
    assert len(set(addresses)) == len(addresses)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_ansible_enters_each_guest_of_an_example_through_its_own_node(example: Path) -> None:
    argv = [Path(sys.executable).parent / "ansible", "guests", "-i", example, "-m", "ansible.builtin.debug"]
    argv += ["-a", "msg='{{ inventory_hostname }} {{ lookup(\"guest_node\") }} {{ ansible_host }}'"]
    environment = {**os.environ, "ANSIBLE_STDOUT_CALLBACK": "minimal", "ANSIBLE_NOCOLOR": "1"}
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    (first, *_) = nodes = nodes_of(example)
    addresses = load(example / "hosts.yml")["all"]["children"]["pve_hosts"]["hosts"]
    for guest, settings in guests_of(example).items():
        node = settings.get("pve_node_inventory_host", first)
        assert node in nodes
        assert f"{guest} {node} {addresses[node]['ansible_host']}" in done.stdout


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_example_holds_no_secret(example: Path) -> None:
    settings = load(example / "group_vars" / "all.yml")
    assert settings["pve_api_password"].startswith("{{ lookup(")
