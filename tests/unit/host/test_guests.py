import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from rocmox.host.guests import parse_list, parse_startup, read_guests, shut_down, start
from tests.unit.rocmox_lab.scripted_machine import ScriptedMachine

CASES = json.loads((Path(__file__).parents[2] / "cases" / "host" / "guest_lists.json").read_text())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["kind"])
def test_lists(case: dict[str, object]) -> None:
    assert [list(row) for row in parse_list(str(case["kind"]), str(case["text"]))] == case["expected"]


def test_startup() -> None:
    assert parse_startup("cores: 2\nstartup: order=3,up=10,down=120\n") == {"order": 3, "up": 10, "down": 120}
    assert parse_startup("startup: 5\n") == {"order": 5}
    assert parse_startup("cores: 2\n") == {}


class Node:
    """Three containers and a virtual machine; remembers who runs."""

    def __init__(self) -> None:
        self.running = {"101", "102", "200"}
        self.configs = {"101": "startup: order=2,down=30\n", "102": "", "103": "", "200": "startup: order=1\n"}
        self.acts: list[str] = []

    def answer(self, argv: Sequence[str]) -> tuple[int, str, str]:
        tool, word, *rest = argv
        if word == "list":
            ids = ("101", "102", "103") if tool == "pct" else ("200",)
            rows = [
                f"{vmid} {'' if tool == 'pct' else 'name '}{'running' if vmid in self.running else 'stopped'} x"
                for vmid in ids
            ]
            return 0, "\n".join(["VMID", *rows]), ""
        if word == "config":
            return 0, self.configs[rest[0]], ""
        if word == "status":
            return 0, f"status: {'running' if rest[0] in self.running else 'stopped'}\n", ""
        self.acts.append(f"{word} {rest[0]}")
        (self.running.add if word == "start" else self.running.discard)(rest[0])
        return 0, "", ""


def test_down_in_reverse_and_up_in_order() -> None:
    node = Node()
    machine = ScriptedMachine(node.answer)
    found = read_guests(machine)
    assert shut_down(machine, found) == ()
    assert node.acts == ["shutdown 102", "shutdown 101", "shutdown 200"]
    node.acts.clear()
    assert start(machine, [("ct", 101), ("ct", 102), ("vm", 200)], sleep=lambda _: None) == ()
    assert node.acts == ["start 200", "start 101", "start 102"]


def test_who_did_not_run_stays_down() -> None:
    node = Node()
    start(ScriptedMachine(node.answer), [("ct", 101)], sleep=lambda _: None)
    assert node.acts == []


def test_a_guest_that_does_not_start_is_told() -> None:
    times = iter(range(0, 1000, 100))

    def answer(argv: Sequence[str]) -> tuple[int, str, str]:
        if argv[1] == "start":
            return 255, "", "Device /dev/dri/renderD128 does not exist\n"
        node = Node()
        node.running = set()
        return node.answer(argv)

    said = start(ScriptedMachine(answer), [("ct", 101)], sleep=lambda _: None, now=lambda: float(next(times)))
    assert said == ("pct start 101: Device /dev/dri/renderD128 does not exist",)
