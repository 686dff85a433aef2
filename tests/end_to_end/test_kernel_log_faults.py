"""The node's kernel tells of a failing card: `rocmox health`, `mes`, `kernel-log` and a capture say so on the node."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rocmox.machine.captured import CapturedMachine
from rocmox.machine.local import LocalMachine
from rocmox.machine.ssh import SshMachine
from rocmox.zipapp_builder import build
from rocmox_lab.faults import records, registry
from rocmox_lab.faults.target import FaultTarget, target_of_lab
from rocmox_lab.gpus.kernel_stories import STORIES
from tests.end_to_end.conftest import LAB

pytestmark = [pytest.mark.lab, pytest.mark.timeout(600)]

TREE = "/var/lib/rocmox-lab/gpus"
ZIPAPP = "/root/rocmox-kernel-log.pyz"
QUIET = {"PASS", "NOT_APPLICABLE"}
# The lab's MI50 have no MES: its stories are a defect of the rules there, and the check `mes` says so.
FIRST = {
    "healthy": set(),
    "other-device": set(),
    "mes-isolated": {"KERNEL_LOG_MES_NO_RESPONSE", "MES_RULE_DEFECT"},
    "mes-hang": {"KERNEL_LOG_MES_NO_RESPONSE", "MES_RULE_DEFECT"},
    "hws-hang": {"KERNEL_LOG_HWS_FENCE_TIMEOUT", "HWS_FENCE_TIMEOUT"},
    "reset-ok": {"KERNEL_LOG_RING_TIMEOUT", "HWS_RING_TIMEOUT"},
    "reset-failed": {"KERNEL_LOG_RING_TIMEOUT", "HWS_RING_TIMEOUT"},
    "aer-corrected": {"KERNEL_LOG_PCIE_AER_CORR"},
    "aer-fatal": {"KERNEL_LOG_PCIE_AER_FATAL"},
    "thermal": {"KERNEL_LOG_THERMAL_CTF"},
    "ecc": {"KERNEL_LOG_RAS_FATAL"},
    "vm-fault": {"KERNEL_LOG_VM_FAULT_USER"},
}


@pytest.fixture(scope="module")
def node(lab: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshMachine]:
    """The lab's node with the zipapp on it."""
    options = ["-i", lab["ssh_private_key"], "-o", f"UserKnownHostsFile={lab['known_hosts']}"]
    machine = SshMachine(f"root@{lab['node_address']}", options=options)
    zipapp = tmp_path_factory.mktemp("zipapp") / "rocmox.pyz"
    build(zipapp)
    machine.run(["sh", "-c", f"cat > {ZIPAPP}"], stdin=zipapp.read_bytes(), timeout_seconds=120).check()
    yield machine
    machine.run(["rm", "-f", ZIPAPP])


@pytest.fixture
def target(lab: dict[str, str]) -> Iterator[FaultTarget]:  # noqa: ARG001 - the lab runs
    found = target_of_lab(LocalMachine(root="/"), LAB)
    records.clear_all(found)
    yield found
    records.clear_all(found)


def set_story(target: FaultTarget, *words: str) -> None:
    fault = registry.find_fault("kernel-log")
    records.set_fault(target, fault, fault.read(words))


def ask(node: SshMachine, *words: str) -> dict[str, Any]:
    done = node.run(["python3", "-I", ZIPAPP, *words], environment={"ROCMOX_ROOT": TREE}, timeout_seconds=120)
    assert done.exit_status in {0, 1, 2, 3}, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def findings(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [result for result in document["results"] if result["verdict"] not in QUIET]


def test_every_story_is_told_by_the_node(node: SshMachine, target: FaultTarget) -> None:
    assert set(FIRST) == set(STORIES)
    for story, expected in FIRST.items():
        set_story(target, f"story={story}", "card=1")
        found = findings(ask(node, "health", "--json", "--only=kernel_log,mes"))
        records.clear_all(target)
        assert {result["code"] for result in found} == expected, story
        assert {result["subject"] for result in found} <= {"0000:06:00.0"}, story
    assert findings(ask(node, "health", "--json", "--only=kernel_log,mes")) == []


def test_the_boot_before_is_told_as_such(node: SshMachine, target: FaultTarget) -> None:
    set_story(target, "story=hws-hang", "card=0", "boot=before")
    found = findings(ask(node, "mes", "--json"))
    assert [(result["code"], result["verdict"]) for result in found] == [("MES_BOOT_BEFORE", "WARN")]


def test_a_capture_of_the_node_says_the_same_here(node: SshMachine, target: FaultTarget, tmp_path: Path) -> None:
    set_story(target, "story=reset-failed", "card=2")
    program = f"ROCMOX_ROOT={TREE} python3 -I {ZIPAPP} capture -o /root/c.tar.gz && base64 -w0 /root/c.tar.gz"
    done = node.run(["sh", "-c", f"{program}; rm -f /root/c.tar.gz"], timeout_seconds=120).check()
    assert "says otherwise" not in done.stderr
    (tmp_path / "c.tar.gz").write_bytes(base64.b64decode(done.stdout))
    captured = CapturedMachine(tmp_path / "c.tar.gz")
    assert b"ASIC reset failed" in captured.read_bytes("/dev/kmsg")
