"""Faults of the node itself: what they run there, and that clearing undoes it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from rocmox.errors import CommandError
from rocmox.machine import Completed
from rocmox_lab.faults import records
from rocmox_lab.faults.kinds import guest_wont_start
from rocmox_lab.faults.registry import find_fault
from rocmox_lab.faults.target import FaultTarget


class Node:
    """Remembers what was run; runs shell scripts on request, its paths below a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ran: list[tuple[str, ...]] = []
        self.exit_status = 0
        self.target = FaultTarget(node_state=folder / "state", run=self.run)

    def run(self, argv: Sequence[str], *, stdin: bytes | None = None) -> Completed:
        assert stdin is None
        self.ran.append(tuple(argv))
        return Completed(argv=tuple(argv), exit_status=self.exit_status, stdout="", stderr="")

    def really(self, argv: Sequence[str], *, stdin: bytes | None = None) -> Completed:
        assert stdin is None
        words = [word.replace("/run/", f"{self.folder}/run/") for word in argv]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        return Completed(argv=tuple(argv), exit_status=done.returncode, stdout=done.stdout, stderr=done.stderr)


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node(tmp_path)


def set_fault(node: Node, name: str, *words: str) -> None:
    records.set_fault(node.target, find_fault(name), find_fault(name).read(words))


def test_a_reboot_now_has_fired_and_one_at_a_call_waits(node: Node) -> None:
    set_fault(node, "node-reboot")
    assert node.ran == [("systemctl", "reboot", "--force", "--force")]
    assert records.fired_count(node.target, "node-reboot") == 1
    set_fault(node, "node-reboot", "how=reboot", "path=/nodes/*/lxc", "method=POST")
    assert len(node.ran) == 1
    assert records.fired_count(node.target, "node-reboot") == 0
    order = json.loads((node.target.faults / "node-reboot.json").read_text(encoding="utf-8"))["order"]
    assert (order["act"], order["argv"], order["match"]) == ("run", ["systemctl", "reboot"], "POST /nodes/*/lxc")


@pytest.mark.parametrize("name", ["disk-full", "guest-stop-hangs", "guest-wont-start"])
def test_setting_and_clearing_reach_the_node(node: Node, name: str) -> None:
    set_fault(node, name)
    before = len(node.ran)
    assert before >= 1
    assert records.fired_count(node.target, name) == 1
    assert records.clear_all(node.target) == [name]
    assert len(node.ran) > before
    assert records.faults_set(node.target) == []


def test_what_cannot_be_cleared_stays_on_record(node: Node) -> None:
    set_fault(node, "disk-full")
    node.exit_status = 1
    with pytest.raises(CommandError):
        records.clear_all(node.target)
    assert [each.name for each in records.faults_set(node.target)] == ["disk-full"]


def test_a_device_is_taken_away_and_given_back(node: Node, tmp_path: Path) -> None:
    device = tmp_path / "renderD128"
    device.touch()
    values = {"reason": "device", "vmid": "*", "device": str(device)}
    target = FaultTarget(node_state=tmp_path / "state", run=node.really)
    guest_wont_start.apply(target, values)
    assert not device.exists()
    guest_wont_start._give_device(target, values)
    assert device.exists()
    guest_wont_start._give_device(target, values)
    assert device.exists()
