"""Wrong input ends before anything is changed, and the message says what, where, why and what to do now."""

import copy
import json
from collections.abc import Iterator

import pytest
import yaml

from tests.end_to_end.conftest import ROOT, Run, on_node, play

pytestmark = [pytest.mark.lab, pytest.mark.timeout(600)]

FOREIGN_VMID = 190
TEMPLATE = "local:vztmpl/debian-12-standard_12.12-1_amd64.tar.zst"


def what_exists(lab: dict[str, str]) -> str:
    """Every container with its whole configuration."""
    configurations = on_node(lab, "sha256sum", "/etc/pve/lxc/101.conf", "/etc/pve/lxc/102.conf")
    return configurations + on_node(lab, "pct", "list")


def containers(**changes: object) -> str:
    """The lab's gpu_containers, the first with other settings."""
    wished = copy.deepcopy(yaml.safe_load((ROOT / "inventory/lab/group_vars/all.yml").read_text())["gpu_containers"])
    wished[0].update(changes)
    return json.dumps({"gpu_containers": wished})


def another(template: str) -> str:
    """A third container, which does not exist yet, from this template."""
    wished = yaml.safe_load((ROOT / "inventory/lab/group_vars/all.yml").read_text())["gpu_containers"]
    third = {**wished[1], "vmid": 191, "hostname": "third", "template": template}
    third["ip"] = third["ip"].replace(".102", ".191")
    return json.dumps({"gpu_containers": [*wished, third]})


def chat_on(template: str) -> str:
    wished = yaml.safe_load((ROOT / "inventory/lab/group_vars/all.yml").read_text())["gpu_containers"]
    wished[1]["template"] = template
    return json.dumps({"gpu_containers": wished})


@pytest.fixture
def foreign_container(site: Run, lab: dict[str, str]) -> Iterator[int]:
    """A container that rocmox did not make."""
    assert site.exit_status == 0
    on_node(lab, "pct", "create", str(FOREIGN_VMID), TEMPLATE, "--hostname", "foreign", "--rootfs", "local:1")
    yield FOREIGN_VMID
    on_node(lab, "pct", "destroy", str(FOREIGN_VMID))


CASES = {
    "unknown card": (containers(gpus=["0000:ff:00.0"]), ["no AMD card at 0000:ff:00.0", "Cards of the node"]),
    "template missing": (another("debian-99-standard"), ["no template debian-99-standard", "pveam"]),
    "wrong password": (json.dumps({"pve_api_password": "wrong"}), ["refuses root@pam", "pve_api_password"]),
    "no space": (containers(disk_gib=900000), ["gpu_containers[0].disk_gib", "->"]),
    "unreachable host": (
        json.dumps({"ansible_host": "127.0.0.1", "ansible_port": 1}),
        ["cannot be reached over SSH", "Nothing was changed"],
    ),
    "unsupported guest": (another("debian-11-standard"), ["gpu_containers[2].template", "debian-11", "Use one of"]),
    "guest that ROCm does not serve": (
        containers(template="debian-12-standard"),
        ["rocm_provider", "Nothing was changed"],
    ),
    "guest without a fitting Python": (chat_on("debian-13-standard"), ["debian-13", "Python"]),
    "unknown key": (containers(memroy_mib=4), ["memroy_mib"]),
}


@pytest.mark.parametrize("case", CASES)
def test_wrong_input_is_refused_before_anything_changes(case: str, site: Run, lab: dict[str, str]) -> None:
    assert site.exit_status == 0
    extra, words = CASES[case]
    before = what_exists(lab)
    refused = play("-e", extra)
    flat = " ".join(refused.output.split())
    assert refused.exit_status != 0
    assert [word for word in words if word not in flat] == [], refused.output[-3000:]
    assert set(refused.changed.values()) <= {0}
    assert what_exists(lab) == before


def test_a_foreign_container_is_not_taken(foreign_container: int, lab: dict[str, str]) -> None:
    before = on_node(lab, "cat", f"/etc/pve/lxc/{foreign_container}.conf")
    refused = play("-e", containers(vmid=foreign_container))
    assert refused.exit_status != 0
    assert str(foreign_container) in refused.output
    assert "adopt" in refused.output or "foreign" in refused.output
    assert on_node(lab, "cat", f"/etc/pve/lxc/{foreign_container}.conf") == before
