"""Before anything is copied: the driver's claim, and who uses the cards. No device is touched here."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from rocmox.errors import CannotLookError
from rocmox.health.context import Context
from rocmox.health.hip import holders
from rocmox.health.hip.answer import Answer
from rocmox.health.hip.devices import Devices
from rocmox.health.p2p import run
from rocmox.health.result import Verdict
from rocmox.machine.captured import CapturedMachine

FIRST, SECOND = "0000:03:00.0", "0000:c3:00.0"
NODES = "sys/class/kfd/kfd/topology/nodes"
GOOD = (
    {"library": "x"},
    {"access": {"forward": True, "back": True}},
    {"copy": "peer", "way": "push", "bytes": 4096, "seconds": 0.1, "difference": {"wrong": 0}},
    {"control": True},
)


class Probes:
    """What the probes answer, and which pairs they were asked for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[tuple[int, int]] = []
        self.holding: list[dict[str, Any]] = []
        monkeypatch.setattr(run, "read_devices", lambda _machine: Devices(addresses=(FIRST, SECOND)))
        monkeypatch.setattr(run, "ask", self._ask)
        monkeypatch.setattr(holders, "run_probe", lambda *_given: {"holders": self.holding, "blind": 0})

    def _ask(self, _machine: object, question: dict[str, Any], *, limit_seconds: float) -> Answer:
        assert limit_seconds > 0
        self.asked.append((question["source"], question["destination"]))
        return Answer(end="done", detail="", stderr="", seconds=0.1, said=GOOD)


@pytest.fixture
def probes(monkeypatch: pytest.MonkeyPatch) -> Probes:
    return Probes(monkeypatch)


class Broken(CapturedMachine):
    """The constructed machine, read once, with changes that hold for one test."""

    def __init__(self, whole: CapturedMachine) -> None:
        vars(self).update(vars(whole))
        self._entries = dict(whole._entries)
        self._children = {place: set(names) for place, names in whole._children.items()}

    def write(self, path: str, text: str) -> None:
        """A file, also a new one, below links."""
        known, missing = path, []
        while not self.exists(known):
            known, _, name = known.rpartition("/")
            missing.insert(0, name)
        self._add("/".join((self._resolve(known), *missing)), text.encode())

    def empty(self, path: str) -> None:
        """A directory without anything in it."""
        place = self._resolve(path)
        for entry in [entry for entry in self._entries if entry.startswith(f"{place}/")]:
            del self._entries[entry]
        self._children[place] = set()

    def remove(self, path: str) -> None:
        self.empty(path)
        place = self._resolve(path)
        parent, _, name = place.rpartition("/")
        self._children[parent].discard(name)
        del self._entries[place]


@pytest.fixture(scope="module")
def whole(gpu_tree: Callable[[str], Path]) -> CapturedMachine:
    return CapturedMachine(gpu_tree("w7900x2"))


@pytest.fixture
def machine(whole: CapturedMachine) -> Broken:
    return Broken(whole)


def examine(machine: Broken, *, forced: bool = False) -> dict[str, tuple[Verdict, str]]:
    report = run.examine(Context(machine=machine, level=2, forced=forced))
    return {one.pair.source: (one.verdict, one.code) for one in report.pairs}


def cut(machine: Broken, nodes: Sequence[str]) -> None:
    """The driver claims nothing from these nodes; the folder stays, as in the kernel."""
    for node in nodes:
        machine.empty(f"{NODES}/{node}/p2p_links")


def test_what_the_driver_does_not_claim_is_not_copied(probes: Probes, machine: Broken) -> None:
    cut(machine, ["1", "2"])
    assert examine(machine) == dict.fromkeys((FIRST, SECOND), (Verdict.FAIL, "P2P_NO_LINK"))
    assert probes.asked == []


def test_a_claim_in_one_direction(probes: Probes, machine: Broken) -> None:
    cut(machine, ["2"])
    assert examine(machine) == {FIRST: (Verdict.PASS, "P2P_OK"), SECOND: (Verdict.FAIL, "P2P_ONE_WAY")}
    assert probes.asked == [(0, 1)]


def test_force_copies_all_the_same(probes: Probes, machine: Broken) -> None:
    cut(machine, ["1", "2"])
    probes.holding = [{"pid": 812, "name": "llama-server", "paths": ["/dev/kfd"]}]
    assert examine(machine, forced=True) == dict.fromkeys((FIRST, SECOND), (Verdict.PASS, "P2P_OK"))
    assert probes.asked == [(0, 1), (1, 0)]


def test_a_kernel_too_old_to_claim_is_tested_by_data(probes: Probes, machine: Broken) -> None:
    for node in ("1", "2"):
        machine.remove(f"{NODES}/{node}/p2p_links")
        properties = machine.read_bytes(f"{NODES}/{node}/properties").decode()
        machine.write(f"{NODES}/{node}/properties", re.sub("(?m)^p2p_links_count.*\n", "", properties))
    assert examine(machine) == dict.fromkeys((FIRST, SECOND), (Verdict.PASS, "P2P_OK"))
    assert len(probes.asked) == 2


def test_cards_in_use_are_left_alone(probes: Probes, machine: Broken) -> None:
    probes.holding = [{"pid": 812, "name": "llama-server", "paths": ["/dev/kfd"]}]
    report = run.examine(Context(machine=machine, level=2))
    assert {(one.verdict, one.code) for one in report.pairs} == {(Verdict.UNKNOWN, "P2P_CARDS_BUSY")}
    assert "llama-server has /dev/kfd open" in report.pairs[0].summary
    assert "--force" in report.pairs[0].remedy
    assert probes.asked == []


def test_a_process_of_another_container_counts_by_kfd(probes: Probes, machine: Broken) -> None:
    process = "sys/class/kfd/kfd/proc/4711"
    number = machine.read_bytes(f"{NODES}/1/gpu_id").decode().strip()
    machine.write(f"{process}/vram_{number}", "1073741824\n")
    assert set(examine(machine).values()) == {(Verdict.UNKNOWN, "P2P_CARDS_BUSY")}

    machine.empty(process)
    machine.write(f"{process}/vram_99", "1073741824\n")
    assert set(examine(machine).values()) == {(Verdict.PASS, "P2P_OK")}
    assert len(probes.asked) == 2


def test_the_causes_are_quoted(probes: Probes, machine: Broken) -> None:
    cut(machine, ["1", "2"])
    machine.write("sys/module/amdgpu/parameters/pcie_p2p", "N\n")
    report = run.examine(Context(machine=machine, level=2))
    assert any(line.source.startswith("pcie_p2p ") for line in report.pairs[0].evidence)
    assert probes.asked == []


def test_a_claim_for_a_small_register_is_not_tried(probes: Probes, machine: Broken) -> None:
    """A copy into a card with a small BAR crashes inside libamdhip64; the legacy path of DKMS may claim it."""
    machine.write(f"sys/bus/pci/devices/{SECOND}/mem_info_vis_vram_total", "268435456\n")
    assert examine(machine) == {FIRST: (Verdict.FAIL, "P2P_GATE_SHUT"), SECOND: (Verdict.PASS, "P2P_OK")}
    assert probes.asked == [(1, 0)]
    report = run.examine(Context(machine=machine, level=2))
    assert any(line.source.startswith("bar BAR_SMALL") for line in report.pairs[0].evidence)
    assert examine(machine, forced=True)[FIRST] == (Verdict.PASS, "P2P_OK")


def test_a_capture_runs_nothing(machine: Broken) -> None:
    report = run.examine(Context(machine=machine, level=2))
    assert {(one.verdict, one.code) for one in report.pairs} == {(Verdict.UNKNOWN, "P2P_CLAIMED_NOT_TESTED")}
    assert "a capture runs no commands" in report.pairs[0].summary


def test_a_machine_that_is_lost_meanwhile_leaves_the_others_their_verdict(
    probes: Probes, machine: Broken, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose(machine: object, question: dict[str, Any], *, limit_seconds: float) -> Answer:
        if question["source"] == 1:
            raise CannotLookError("ssh: connection reset")
        return probes._ask(machine, question, limit_seconds=limit_seconds)

    monkeypatch.setattr(run, "ask", lose)
    assert examine(machine) == {
        FIRST: (Verdict.PASS, "P2P_OK"),
        SECOND: (Verdict.UNKNOWN, "P2P_PROBE_FAILED"),
    }


def test_nothing_starts_when_nobody_can_say_who_uses_the_cards(
    probes: Probes, machine: Broken, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_given: object) -> None:
        raise CannotLookError("no python3")

    monkeypatch.setattr(holders, "run_probe", refuse)
    assert set(examine(machine).values()) == {(Verdict.UNKNOWN, "P2P_PROBE_FAILED")}
    assert probes.asked == []


@pytest.mark.parametrize(
    "printed", [None, [], {}, {"end": "done"}, {"end": "done", "stderr": "", "seconds": 1, "said": 5}]
)
def test_an_answer_that_is_none_is_said_to_be_none(printed: Any) -> None:
    with pytest.raises(CannotLookError, match="answered something else"):
        Answer.from_probe(printed)
