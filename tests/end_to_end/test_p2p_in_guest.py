"""Every way in which the stand-in for libamdhip64 fails, set as a fault of the lab, seen from inside a guest.

The guest is this test's own (VMID 196). The stand-in's cards are the lab's three, so there are six ordered pairs.
"""

import json
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rocmox.health.context import Context
from rocmox.health.p2p.run import examine
from rocmox.health.queues import probe_queues
from rocmox.health.result import Reporter, Verdict
from rocmox.machine.container import ContainerMachine
from rocmox.machine.ssh import SshMachine
from rocmox.zipapp_builder import build
from rocmox_lab.hip import MODES
from tests.end_to_end.conftest import BIN, LAB

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900)]

VMID = 196
LIBRARY = "/opt/rocmox-lab/libamdhip64.so"
LIMIT_SECONDS = 40.0
# Mode → verdict and code of all six pairs; one-way and no-device have tests of their own.
EXPECTED = {
    "no-access": (Verdict.FAIL, "P2P_NO_ACCESS"),
    "no-copy": (Verdict.CRIT, "P2P_DATA_CORRUPT"),
    "partial": (Verdict.CRIT, "P2P_DATA_CORRUPT"),
    "corrupt": (Verdict.CRIT, "P2P_DATA_CORRUPT"),
    "changes-source": (Verdict.CRIT, "P2P_DATA_CORRUPT"),
    "crash": (Verdict.FAIL, "P2P_CRASHED"),
    "abort": (Verdict.FAIL, "P2P_CRASHED"),
    "fails": (Verdict.FAIL, "P2P_CALL_FAILED"),
    "out-of-memory": (Verdict.UNKNOWN, "P2P_OUT_OF_MEMORY"),
    "slow": (Verdict.WARN, "P2P_SLOW"),  # the lab's guest sees no links to judge by
    "healthy": (Verdict.PASS, "P2P_OK"),
}
ELSEWHERE = {"crowd", "one-way", "hang", "no-device"}


@pytest.fixture(scope="module")
def node(lab: dict[str, str]) -> SshMachine:
    options = ["-i", lab["ssh_private_key"], "-o", f"UserKnownHostsFile={lab['known_hosts']}"]
    return SshMachine(f"root@{lab['node_address']}", options=options)


def on_node(node: SshMachine, command: str) -> str:
    return node.run(["sh", "-c", command], timeout_seconds=300).check().stdout


@pytest.fixture(scope="module")
def guest(node: SshMachine) -> Iterator[ContainerMachine]:
    if "debian-13-standard" not in on_node(node, "pveam list local"):
        on_node(node, "pveam download local $(pveam available --section system | grep -o 'debian-13-standard[^ ]*')")
    template = re.search(r"\S*debian-13-standard\S*", on_node(node, "pveam list local"))
    assert template
    settings = "--hostname peers --rootfs local:2 --unprivileged 1 --memory 1536 --features nesting=1"
    on_node(node, f"pct create {VMID} {template[0]} {settings} && pct start {VMID}")
    yield ContainerMachine(node, VMID)
    on_node(node, f"pct stop {VMID}; pct destroy {VMID}")


@pytest.fixture
def fault(guest: ContainerMachine, monkeypatch: pytest.MonkeyPatch) -> Iterator[ContainerMachine]:
    """The guest; whatever a test sets is cleared after it."""
    monkeypatch.setenv("ROCMOX_HIP_LIBRARY", LIBRARY)
    yield guest
    subprocess.run([BIN / "rocmox", "lab", "fault", "clear", "hip", "--name", LAB], check=True, timeout=60)


def be(*words: str) -> None:
    argv = [BIN / "rocmox", "lab", "fault", "set", "hip", f"vmid={VMID}", *words, "--name", LAB]
    subprocess.run(argv, check=True, timeout=120)


def peers(guest: ContainerMachine, limit_seconds: float = LIMIT_SECONDS) -> dict[str, tuple[Verdict, str]]:
    report = examine(Context(machine=guest, level=2), limit_seconds=limit_seconds)
    return {one.pair.name: (one.verdict, one.code) for one in report.pairs}


def test_every_mode_is_expected_somewhere() -> None:
    assert {*EXPECTED, *ELSEWHERE} == set(MODES)


@pytest.mark.parametrize("mode", EXPECTED)
def test_a_mode_gets_its_verdict_on_every_pair(mode: str, fault: ContainerMachine) -> None:
    be(f"mode={mode}")
    found = peers(fault)
    assert len(found) == 6
    assert set(found.values()) == {EXPECTED[mode]}


def test_one_direction_is_broken(fault: ContainerMachine) -> None:
    be("mode=one-way")
    found = peers(fault)
    broken = {name for name, (_, code) in found.items() if code == "P2P_DATA_CORRUPT"}
    assert broken == {name for name in found if name.partition(" -> ")[0] > name.partition(" -> ")[2]}
    assert {code for name, (_, code) in found.items() if name not in broken} == {"P2P_OK"}


def test_a_hang_ends_at_the_limit(fault: ContainerMachine) -> None:
    be("mode=hang")
    started = time.monotonic()
    found = peers(fault, limit_seconds=2)
    assert set(found.values()) == {(Verdict.FAIL, "P2P_TIMEOUT")}
    assert time.monotonic() - started < 6 * 15
    left = fault.run(["sh", "-c", "grep -l libamdhip64 /proc/[0-9]*/maps 2>/dev/null | wc -l"]).stdout.strip()
    assert left == "0"


def test_a_machine_without_a_card(fault: ContainerMachine) -> None:
    be("mode=no-device")
    report = examine(Context(machine=fault, level=2))
    assert report.why_none is not None
    assert (report.why_none.code, report.verdict) == ("P2P_NO_DEVICE", Verdict.NOT_APPLICABLE)


def test_queues_are_probed_in_the_guest(fault: ContainerMachine) -> None:
    be("mode=crash", "at=hipStreamDestroy")
    results = list(probe_queues(Context(machine=fault, level=2), Reporter("mes")))
    assert [(result.verdict, result.code) for result in results] == [(Verdict.FAIL, "QUEUES_CRASHED")] * 3


def test_the_zipapp_tests_by_itself_and_agrees_with_the_fault(
    fault: ContainerMachine, node: SshMachine, tmp_path: Path
) -> None:
    be("mode=no-copy")
    build(tmp_path / "rocmox.pyz")
    loader = "import sys; exec(sys.stdin.buffer.readline())"
    store = b"import sys; open('/root/rocmox.pyz', 'wb').write(sys.stdin.buffer.read())\n"
    content = store + (tmp_path / "rocmox.pyz").read_bytes()
    fault.run(["python3", "-c", loader], stdin=content).check()
    words = ["python3", "-I", "/root/rocmox.pyz", "health", "--only", "p2p", "--json"]
    done = fault.run(words, environment={"ROCMOX_HIP_LIBRARY": LIBRARY}, timeout_seconds=300)
    assert done.exit_status == 2, done.stderr
    assert done.stdout.count('"code": "P2P_DATA_CORRUPT"') == 6

    be("mode=slow", "pairs=0>1")
    content = content.replace(b"/root/", b"/run/", 1)
    node.run(["python3", "-c", loader], stdin=content).check()
    tree = {"ROCMOX_ROOT": "/var/lib/rocmox-lab/gpus", "ROCMOX_HIP_LIBRARY": "/var/lib/rocmox-lab/hip/libamdhip64.so"}
    words = ["python3", "-I", "/run/rocmox.pyz", "p2p", "--json"]
    done = node.run(words, environment=tree, timeout_seconds=300)
    node.run(["rm", "/run/rocmox.pyz"])
    assert done.exit_status == 2, done.stderr
    codes = [pair["code"] for pair in json.loads(done.stdout)["pairs"]]
    assert codes == ["P2P_SLOW", *["P2P_OK"] * 5]  # the node knows its links
