"""Guests are told and hooks run, on a machine that records what is run on it."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from rocmox.errors import CannotLookError, UsageError
from rocmox.health.result import Result, Verdict
from rocmox.health.watch.react import _hooks, react
from rocmox.health.watch.settings import Settings, read_settings
from rocmox.machine.base import Completed
from rocmox.machine.local import LocalMachine

CARD = "0000:03:00.0"


class Node(LocalMachine):
    """A node that runs nothing: container 101 runs and holds the first card."""

    def __init__(self, root: Path) -> None:
        super().__init__(root=str(root))
        self.ran: list[list[str]] = []
        self.said: list[tuple[int, str]] = []
        self.failing = ""

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes | None = None,
        timeout_seconds: float = 60,
        environment: Mapping[str, str] | None = None,
    ) -> Completed:
        assert timeout_seconds > 0
        words = [*argv, *(f"{key}={value}" for key, value in (environment or {}).items())]
        self.ran.append([*words, (stdin or b"").decode()])
        status = int(bool(self.failing) and self.failing in argv)
        return Completed(argv=tuple(argv), exit_status=status, stdout="RUNNING\n", stderr="")

    def say(self, priority: int, words: str) -> None:
        self.said.append((priority, words))


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node(tmp_path)


def results(path: Path, *verdicts: str) -> None:
    entries = [
        {"check": "thermal", "code": f"THERMAL_{number}", "verdict": verdict, "subject": CARD, "summary": "hot"}
        | {"evidence": [], "remedy": "Cool it."}
        for number, verdict in enumerate(verdicts)
    ]
    path.write_text(json.dumps({"results": entries}))


def settings(folder: Path, **more: object) -> Settings:
    fields = {"tell_guests": True, "good_for_seconds": 1, "stop_units": [], "stop_units_in_guests": [], "commands": []}
    document = {"results": str(folder / "r.json"), "state": str(folder / "s.json"), **fields, **more}
    (folder / "react.json").write_text(json.dumps(document))
    return read_settings(folder / "react.json")


def test_nothing_is_done_that_is_not_named(node: Node, tmp_path: Path) -> None:
    results(tmp_path / "r.json", "CRIT")
    assert react(node, settings(tmp_path), node.say)
    assert node.ran == []
    assert node.said == [(2, f"CRIT THERMAL_0 {CARD}: hot. Cool it.")]


def test_a_hook_fires_once_for_each_new_crit(node: Node, tmp_path: Path) -> None:
    desired = settings(tmp_path, commands=[["tell", "me"]], stop_units=["llama-server@a.service"])
    for verdicts, calls in (("CRIT",), 2), (("CRIT",), 2), (("CRIT", "CRIT"), 4), (("WARN",), 4), (("CRIT",), 6):
        results(tmp_path / "r.json", *verdicts)
        assert react(node, desired, node.say)
        assert len(node.ran) == calls
    assert node.ran[0][:3] == ["systemctl", "stop", "llama-server@a.service"]
    assert node.ran[1][:5] == ["tell", "me", "ROCMOX_VERDICT=CRIT", "ROCMOX_CODES=THERMAL_0", f"ROCMOX_SUBJECTS={CARD}"]
    assert json.loads(node.ran[1][5])[0]["code"] == "THERMAL_0"


def test_what_failed_is_tried_again(node: Node, tmp_path: Path) -> None:
    desired = settings(tmp_path, commands=[["tell"]])
    results(tmp_path / "r.json", "CRIT")
    node.failing = "tell"
    assert not react(node, desired, node.say)
    assert any(priority == 3 and "failed" in words for priority, words in node.said)
    node.failing = ""
    assert react(node, desired, node.say)
    assert len(node.ran) == 2


def test_a_spoilt_state_lets_the_hook_fire_again(node: Node, tmp_path: Path) -> None:
    (tmp_path / "s.json").write_text("{")
    results(tmp_path / "r.json", "CRIT")
    assert react(node, settings(tmp_path, commands=[["tell"]]), node.say)
    assert len(node.ran) == 1


def test_without_results_it_says_so(node: Node, tmp_path: Path) -> None:
    with pytest.raises(CannotLookError, match=r"r\.json"):
        react(node, settings(tmp_path), node.say)
    (tmp_path / "r.json").write_text("[]")
    with pytest.raises(CannotLookError, match="not what"):
        react(node, settings(tmp_path), node.say)
    with pytest.raises(UsageError, match=r"none\.json"):
        read_settings(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("subject", "stopped_in"),
    [(CARD, {"101"}), ("0000:03:00.0 -> 0000:06:00.0", {"101", "102"}), ("pve1", {"101", "102"})],
)
def test_units_stop_in_the_guests_that_hold_the_card(
    node: Node, tmp_path: Path, subject: str, stopped_in: set[str]
) -> None:
    crit = Result(
        check="thermal",
        code="THERMAL",
        verdict=Verdict.CRIT,
        subject=subject,
        summary="hot",
        evidence=(),
        remedy="Cool it.",
    )
    desired = settings(tmp_path, stop_units_in_guests=["llama-server@*"])
    guests = {101: [CARD], 102: ["0000:06:00.0"]}
    assert list(_hooks(node, desired, [crit], guests, node.say)) == []
    assert {words[2] for words in node.ran} == stopped_in
    assert all(words[:2] == ["lxc-attach", "-n"] for words in node.ran)
    assert all(words[-4:-1] == ["systemctl", "stop", "llama-server@*"] for words in node.ran)
    assert len(node.said) == len(stopped_in)


def test_a_guest_that_does_not_stop_is_said(node: Node, tmp_path: Path) -> None:
    crit = Result(
        check="t", code="T", verdict=Verdict.CRIT, subject=CARD, summary="hot", evidence=(), remedy="Cool it."
    )
    node.failing = "systemctl"
    (trouble,) = _hooks(
        node, settings(tmp_path, stop_units_in_guests=["llama-server@*"]), [crit], {101: [CARD]}, node.say
    )
    assert "stops llama-server@* in container 101: failed" in trouble
