"""The replay itself: it must see a wrong status, type, error key and exit code, and count what is out of scope."""

from __future__ import annotations

import http.client
import socket
import subprocess
from pathlib import Path

import pytest

from tests.contract import compare, replay
from tests.contract.tree_world import TreeWorld

CASES = Path(__file__).resolve().parents[1] / "cases" / "contract"


def test_http_cases_are_judged_one_by_one() -> None:
    verdicts = {entry.case: entry for entry in replay.replay(CASES / "calls.jsonl", pve="8.4")}
    assert [name for name, entry in verdicts.items() if entry.agrees] == ["version", "make", "make.task_status.0"]
    assert verdicts["wrong_type"].lines == ("data: number expected, string found",)
    assert verdicts["wrong_status"].lines[0].startswith("status 200 expected, 403")
    assert verdicts["wrong_errors"].lines == ("errors about ['vmid'] expected, about ['ostemplate', 'vmid'] found",)
    assert verdicts["virtual_machines"].out


def test_command_lines_are_judged_and_the_last_line_counts(capsys: pytest.CaptureFixture[str]) -> None:
    assert replay.main([str(CASES / "commands.jsonl"), "--least", "0.6"]) == 0
    printed = capsys.readouterr().out
    assert "DIFFERS commands.jsonl: wrong_exit: pct config 999" in printed
    assert printed.endswith("agree 2 of 3 in scope, 1 out of scope\n")
    assert replay.main([str(CASES / "commands.jsonl")]) == 1


def test_what_cannot_be_replayed_is_a_difference_with_its_reason(capsys: pytest.CaptureFixture[str]) -> None:
    assert replay.main([str(CASES / "refusals.jsonl"), str(CASES / "no-such-file.jsonl")]) == 1
    printed = capsys.readouterr().out
    verdicts = {entry.case: entry for entry in replay.replay(CASES / "refusals.jsonl", pve="8.4")}
    reasons = {case: entry.why for case, entry in verdicts.items() if entry.why}
    assert reasons.pop("disabled_login") == "the login of nobody@pve is refused: 401 authentication failure"
    assert reasons.pop("stranger").startswith("no password of ghost@pve is known")
    assert reasons.pop("line 4").startswith("the line is not JSON")
    assert reasons.pop("line 5") == "the line is not an object but list"
    assert reasons.pop("line 6") == "response is missing"
    assert reasons.pop("line 7") == "response.reason is missing"
    assert reasons.pop("line 8") == "argv is not of type list"
    assert reasons.pop("auth_is_a_number").startswith("the replay does not know what to do with line 11: TypeError")
    assert reasons.pop("params_is_a_number").startswith(
        "the replay does not know what to do with line 12: AttributeError"
    )
    assert not reasons
    assert "answer: list expected, object found" in verdicts["answer_is_a_list"].lines
    assert verdicts["errors_is_a_list"].lines[0] == "errors about ['x'] expected, about [] found"
    assert [case for case, entry in verdicts.items() if entry.agrees] == [
        "disable", "make", "as_the_new_user", "a_command_between"
    ]  # fmt: skip
    assert "no-such-file.jsonl: the whole file" in printed
    assert "reason: the recording cannot be read: No such file or directory" in printed
    assert printed.endswith("agree 4 of 16 in scope, 0 out of scope\n")


class Silent(TreeWorld):
    """A node whose API hangs up on every call."""

    def connect(self) -> http.client.HTTPConnection:
        with socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))
            return http.client.HTTPConnection("127.0.0.1", nobody.getsockname()[1], timeout=5)

    def run(self, argv: list[str], stdin: str) -> subprocess.CompletedProcess[str]:
        raise subprocess.TimeoutExpired(argv, 120, output=stdin)


def test_a_connection_or_a_command_that_ends_is_a_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "TreeWorld", Silent)
    calls = replay.replay(CASES / "calls.jsonl", pve="8.4")
    assert all("no answer: ConnectionRefusedError" in entry.why for entry in calls)
    commands = replay.replay(CASES / "commands.jsonl", pve="8.4")
    assert all("the command did not end" in entry.why for entry in commands if not entry.out)
    assert len(calls) == 7


def test_rows_are_matched_by_their_key_and_values_that_change_are_left_alone() -> None:
    recorded = {"data": [{"vmid": 1, "mem": 5, "name": "a"}], "digest": "x"}
    assert compare.differences(recorded, {"data": [{"vmid": 1, "mem": 9, "name": "a"}], "digest": "y"}) == []
    assert compare.differences(recorded["data"], [{"vmid": 2, "mem": 5, "name": "a"}])
    assert compare.differences([{"vmid": 1, "name": "a"}], [{"vmid": 1, "name": "b"}])
    assert compare.differences({"a": 1}, {"a": "1"}) == ["data.a: number expected, string found"]
