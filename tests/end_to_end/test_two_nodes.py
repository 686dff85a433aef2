"""One inventory, two nodes with cards of their own: each gets its own containers, and plays enter the guests of both.

The guests have the same VMID on either node, as on nodes that are no cluster.
"""

import dataclasses
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from inventory.lab.lab import node_variables
from tests.end_to_end.conftest import BIN, LAB, ROOT, Run, environment, on_node

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900)]
CREATE, REMOVE = "playbooks/create_containers.yml", "playbooks/remove_site.yml"
GUESTS = "tests/end_to_end/two_nodes_guests.yml"
VMID, PLAIN = 171, 172
SECOND = f"{LAB}-2"


@dataclasses.dataclass(frozen=True, kw_only=True)
class TwoNodes:
    """Two labs and the inventory that names both."""

    first: dict[str, str]
    second: dict[str, str]
    inventory: Path

    def play(self, playbook: str, *arguments: str) -> Run:
        argv = [BIN / "ansible-playbook", "-i", self.inventory, playbook, *arguments]
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        done = subprocess.run(argv, cwd=ROOT, env=environment(), text=True, timeout=600, check=False, **streams)
        return Run(exit_status=done.returncode, output=done.stdout)


def container(lab: dict[str, str], vmid: int, hostname: str, gpus: str | list[str]) -> dict[str, Any]:
    prefix = lab["gateway"].rpartition(".")[0]
    size = {"cores": 1, "memory_mib": 512, "disk_gib": 2, "storage": "local"}
    network = {"ip": f"{prefix}.{vmid}/24", "gateway": lab["gateway"]}
    return {"vmid": vmid, "hostname": hostname, "gpus": gpus, **size, **network}


def document(first: dict[str, str], second: dict[str, str], *, second_guest: dict[str, Any]) -> dict[str, Any]:
    """hosts.yml; what belongs to a node is a variable of it."""
    pve1 = node_variables(first) | {"gpu_containers": [container(first, VMID, "one", "gfx906")]}
    pve2 = node_variables(second) | {
        "gpu_containers": [container(second, VMID, "two", "gfx1100"), container(second, PLAIN, "plain", [])]
    }
    entered = {"ansible_connection": "pve_lxc", "proxmox_vmid": VMID, "rocm_provider": "debian"}
    return {
        "all": {
            "vars": {
                "gpu_container_gpu_root": "/var/lib/rocmox-lab/gpus",
                "gpu_health_root": "/var/lib/rocmox-lab/gpus",
            }
        },
        "pve_hosts": {"hosts": {"pve1": pve1, "pve2": pve2}},
        "gpu_guests": {
            "hosts": {
                "one": node_variables(first) | entered | {"pve_node_inventory_host": "pve1"},
                "two": node_variables(second) | entered | second_guest,
            }
        },
    }


@pytest.fixture(scope="module")
def nodes(lab: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoNodes]:
    up = [BIN / "rocmox", "lab", "up", "--name", SECOND, "--node", "pve2", "--gpus", "w7900x2"]
    subprocess.run(up, check=True, timeout=900)
    try:
        status = [BIN / "rocmox", "lab", "status", "--name", SECOND, "--json"]
        second = json.loads(subprocess.run(status, check=True, timeout=60, stdout=subprocess.PIPE).stdout)
        hosts = document(lab, second, second_guest={"pve_node_inventory_host": "pve2"})
        inventory = tmp_path_factory.mktemp("two") / "hosts.yml"
        inventory.write_text(yaml.safe_dump(hosts), encoding="utf-8")
        nodes = TwoNodes(first=lab, second=second, inventory=inventory)
        yield nodes
        removed = nodes.play(REMOVE, "-e", "remove_site_confirm=yes")
        assert removed.exit_status == 0, removed.output
        assert str(VMID) not in on_node(lab, "ls", "/etc/pve/lxc")
        assert on_node(second, "ls", "/etc/pve/lxc") == ""
    finally:
        subprocess.run([BIN / "rocmox", "lab", "down", "--name", SECOND], check=True, timeout=300)


def passed(lab: dict[str, str], *, cards: int) -> str:
    """The cards that the node passes to its guest, as `ls /dev/dri` lists them."""
    config = on_node(lab, "cat", f"/etc/pve/lxc/{VMID}.conf")
    names = sorted(re.findall(r"^dev\d+: /dev/dri/(\w+)", config, re.MULTILINE))
    assert len(names) == 2 * cards, config
    return " ".join(names)


def plan(nodes: TwoNodes, *arguments: str) -> tuple[int, dict[str, dict[str, Any]]]:
    argv = [BIN / "rocmox", "containers", "plan", "--inventory", nodes.inventory, "--json", *arguments]
    done = subprocess.run(
        argv, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True, timeout=120, check=False
    )
    return done.returncode, {entry["host"]: entry for entry in json.loads(done.stdout)["nodes"]}


def test_a_plan_names_each_node_s_own_containers(nodes: TwoNodes) -> None:
    status, planned = plan(nodes)
    assert status == 1
    said = {host: " ".join(entry["steps"]) for host, entry in planned.items()}
    assert "(one)" in said["pve1"]
    assert "(two)" not in said["pve1"]
    assert "(two)" in said["pve2"]
    assert "(plain)" in said["pve2"]
    assert list(plan(nodes, "--limit", "pve2")[1]) == ["pve2"]


def test_each_node_gets_its_own_containers_and_plays_enter_both(nodes: TwoNodes) -> None:
    created = nodes.play(CREATE)
    assert created.exit_status == 0, created.output
    assert created.changed["pve1"] > 0
    assert created.changed["pve2"] > 0
    names = [
        re.findall(rf"^({VMID}|{PLAIN}) .* (\S+) *$", on_node(lab, "pct", "list"), re.MULTILINE)
        for lab in (nodes.first, nodes.second)
    ]
    assert names == [[(str(VMID), "one")], [(str(VMID), "two"), (str(PLAIN), "plain")]]
    entered = nodes.play(GUESTS)
    assert entered.exit_status == 0, entered.output
    assert f"one on pve1: one has {passed(nodes.first, cards=3)}" in entered.output
    assert f"two on pve2: two has {passed(nodes.second, cards=2)}" in entered.output


def test_a_second_run_changes_nothing_on_either(nodes: TwoNodes) -> None:
    again = nodes.play(CREATE)
    assert (again.exit_status, again.changed) == (0, {"pve1": 0, "pve2": 0}), again.output
    assert plan(nodes)[0] == 0


def test_a_guest_that_does_not_name_its_node_is_refused(nodes: TwoNodes, tmp_path: Path) -> None:
    silent = TwoNodes(first=nodes.first, second=nodes.second, inventory=tmp_path / "hosts.yml")
    hosts = document(nodes.first, nodes.second, second_guest={})
    silent.inventory.write_text(yaml.safe_dump(hosts), encoding="utf-8")
    run = silent.play(GUESTS, "--limit", "two")
    assert run.exit_status != 0
    assert "two does not say which node it runs on" in " ".join(run.output.split())
