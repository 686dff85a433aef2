"""`rocmox health` on the node and in a guest says what the lab was told to break, and nothing when it was not.

The guest sees the node's constructed cards as a container sees its node's /sys: through a mount. `acs` wants cards
behind one switch, which three MI50 on their own root ports are not: tests/unit/health/test_variations.py has it.
VMID 196 is ours.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rocmox.machine.container import ContainerMachine
from rocmox.machine.local import LocalMachine
from rocmox.machine.ssh import SshMachine
from rocmox.zipapp_builder import build
from rocmox_lab.faults import records, registry
from rocmox_lab.faults.target import FaultTarget, target_of_lab
from rocmox_lab.gpus.variations import VARIATIONS
from tests.end_to_end.conftest import LAB

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900)]

VMID = 196
TREE = "/var/lib/rocmox-lab/gpus"
SEEN_IN_GUEST = "/srv/cards"
ZIPAPP = "/root/rocmox-health-faults.pyz"
NOT_HERE = {"acs"}
# The third card of the lab's node has outputs; every other fault goes to the second.
CARD = {"display": 2}
STATIC = (
    "acs,bar,compatibility,display,dkms_legacy,dma_mask,driver,ecc,firmware,host_bridge,identity,iommu,kernel_config,"
    "link,p2p_links,pcie_p2p,power,rocblas,thermal,throttle"
)
OF_NODE = ("ACS_", "DISPLAY_", "DRIVER_", "HOST_BRIDGE_", "IOMMU_", "KERNEL_CONFIG_")
QUIET = {"PASS", "NOT_APPLICABLE"}
RIGHTS = {
    "wrong-gid": "DEVICE_WRONG_GID",
    "wrong-mode": "DEVICE_WRONG_MODE",
    "deny-write": "DEVICE_CGROUP_REFUSES",
    "not-passed": "DEVICE_MISSING",
}


@pytest.fixture(scope="module")
def node(lab: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> SshMachine:
    """The lab's node with the zipapp on it."""
    options = ["-i", lab["ssh_private_key"], "-o", f"UserKnownHostsFile={lab['known_hosts']}"]
    machine = SshMachine(f"root@{lab['node_address']}", options=options)
    target = tmp_path_factory.mktemp("zipapp") / "rocmox.pyz"
    build(target)
    put(machine, target, ZIPAPP)
    return machine


def put(machine: SshMachine | ContainerMachine, source: Path, place: str) -> None:
    machine.run(["sh", "-c", f"cat > {place}"], stdin=source.read_bytes(), timeout_seconds=120).check()


def on_node(node: SshMachine, command: str) -> str:
    return node.run(["sh", "-c", command], timeout_seconds=300).check().stdout


@pytest.fixture(scope="module")
def guest(node: SshMachine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ContainerMachine]:
    """A Debian 13 guest with KFD and the first card, the node's cards at SEEN_IN_GUEST, and a user who computes."""
    if "debian-13-standard" not in on_node(node, "pveam list local"):
        on_node(node, "pveam download local $(pveam available --section system | grep -o 'debian-13-standard[^ ]*')")
    template = re.search(r"\S*debian-13-standard\S*", on_node(node, "pveam list local"))
    assert template
    settings = "--hostname faults --rootfs local:2 --unprivileged 1 --memory 256 --features nesting=1"
    on_node(node, f"pct create {VMID} {template[0]} {settings} && pct start {VMID}")
    machine = ContainerMachine(node, VMID)
    machine.run(["useradd", "--system", "--groups", "render,video", "llama"]).check()
    render = machine.run(["getent", "group", "render"]).check().stdout.split(":")[2]
    on_node(node, f"pct stop {VMID}")
    devices = f"--dev0 /dev/kfd,gid={render} --dev1 /dev/dri/renderD128,gid={render}"
    mount = f"lxc.mount.entry: {TREE} {SEEN_IN_GUEST.lstrip('/')} none bind,ro,create=dir"
    on_node(node, f"pct set {VMID} {devices} && echo '{mount}' >> /etc/pve/lxc/{VMID}.conf && pct start {VMID}")
    target = tmp_path_factory.mktemp("guest") / "rocmox.pyz"
    build(target)
    put(machine, target, ZIPAPP)
    yield machine
    on_node(node, f"pct stop {VMID}; pct destroy {VMID}; rm -f {ZIPAPP}")


@pytest.fixture(scope="module")
def target(lab: dict[str, str]) -> FaultTarget:  # noqa: ARG001 - the lab runs
    return target_of_lab(LocalMachine(root="/"), LAB)


def health(
    machine: SshMachine | ContainerMachine, root: str, *words: str, stdin: bytes | None = None
) -> list[dict[str, Any]]:
    """What `rocmox health --json` says that is neither PASS nor NOT_APPLICABLE."""
    argv = ["python3", "-I", ZIPAPP, "health", "--json", *words]
    done = machine.run(argv, environment={"ROCMOX_ROOT": root}, stdin=stdin, timeout_seconds=120)
    assert done.exit_status in {0, 1, 2, 3}, done.stderr
    return [result for result in json.loads(done.stdout)["results"] if result["verdict"] not in QUIET]


def codes(results: list[dict[str, Any]]) -> set[str]:
    return {result["code"] for result in results}


def set_fault(target: FaultTarget, name: str, *words: str) -> None:
    fault = registry.find_fault(name)
    records.set_fault(target, fault, fault.read(words))


def clear(target: FaultTarget) -> None:
    records.clear_all(target)


def rights(node: SshMachine, guest: ContainerMachine) -> list[dict[str, Any]]:
    facts = on_node(node, f"ROCMOX_ROOT={TREE} python3 -I {ZIPAPP} gpus --json")
    words = ("--only=device_access", "--device-user=llama", f"--vmid={VMID}", "--host-facts=-")
    return health(guest, "/", *words, stdin=facts.encode())


def test_nothing_is_wrong_before(node: SshMachine, guest: ContainerMachine, target: FaultTarget) -> None:
    clear(target)
    assert health(node, TREE, f"--only={STATIC}") == []
    assert health(guest, SEEN_IN_GUEST, f"--only={STATIC}") == []
    assert rights(node, guest) == []


@pytest.mark.parametrize("name", [name for name in VARIATIONS if name not in NOT_HERE])
def test_a_fault_of_the_cards(node: SshMachine, guest: ContainerMachine, target: FaultTarget, name: str) -> None:
    set_fault(target, "gpu-tree", f"what={name}", f"card={CARD.get(name, 1)}")
    try:
        on_host, inside = (
            codes(health(machine, root, f"--only={STATIC}")) for machine, root in ((node, TREE), (guest, SEEN_IN_GUEST))
        )
    finally:
        clear(target)
    expected = set(VARIATIONS[name].codes)
    assert expected <= on_host
    assert {code for code in expected if not code.startswith(OF_NODE)} <= inside
    assert not [code for code in on_host | inside if code.endswith(("_DEFECT", "_CANNOT_LOOK"))]


@pytest.mark.parametrize("what", RIGHTS)
def test_a_fault_of_the_rights(node: SshMachine, guest: ContainerMachine, target: FaultTarget, what: str) -> None:
    set_fault(target, "guest-rights", f"what={what}", f"vmid={VMID}")
    try:
        (found,) = rights(node, guest)
    finally:
        clear(target)
    assert (found["code"], found["verdict"], found["subject"]) == (RIGHTS[what], "FAIL", "/dev/dri/renderD128")
    assert found["remedy"]


def test_nothing_is_wrong_afterwards(node: SshMachine, guest: ContainerMachine) -> None:
    assert health(node, TREE, f"--only={STATIC}") == []
    assert rights(node, guest) == []
