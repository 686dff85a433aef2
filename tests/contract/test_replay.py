"""The replay itself: it must see a wrong status, type, error key and exit code, and count what is out of scope."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.contract import compare, replay

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


def test_rows_are_matched_by_their_key_and_values_that_change_are_left_alone() -> None:
    recorded = {"data": [{"vmid": 1, "mem": 5, "name": "a"}], "digest": "x"}
    assert compare.differences(recorded, {"data": [{"vmid": 1, "mem": 9, "name": "a"}], "digest": "y"}) == []
    assert compare.differences(recorded["data"], [{"vmid": 2, "mem": 5, "name": "a"}])
    assert compare.differences([{"vmid": 1, "name": "a"}], [{"vmid": 1, "name": "b"}])
    assert compare.differences({"a": 1}, {"a": "1"}) == ["data.a: number expected, string found"]
