"""`rocmox lab fault` without a lab: it lists what it can break, and says what is wrong with a wish."""

import json
import os

import pytest

from rocmox.cli.main import main

ABSENT = ["--name", "no-such-lab-1"]


@pytest.fixture(autouse=True)
def _root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)


def test_the_list_needs_no_lab(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lab", "fault", "list", "--json", *ABSENT]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema_version"] == 1
    assert {"api-error", "task-hangs", "node-reboot", "disk-full"} <= {fault["name"] for fault in document["faults"]}
    assert document["set"] == []


def test_one_fault_is_shown_with_its_parameters(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lab", "fault", "list", "api-error", *ABSENT]) == 0
    out = capsys.readouterr().out
    assert "status=500" in out
    assert "task-hangs" not in out


@pytest.mark.parametrize(
    ("words", "exits", "said"),
    [
        (["set", "api-eror"], 64, "Did you mean api-error"),
        (["set", ""], 64, "not a fault the lab knows"),
        (["set", "api-error", "status=404"], 64, "not one of 500"),
        (["set", "api-error"], 2, "does not run"),
        (["clear"], 2, "does not run"),
        (["clear", "nonsense"], 64, "not a fault the lab knows"),
    ],
)
def test_a_wrong_wish_is_refused(words: list[str], exits: int, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lab", "fault", *words, *ABSENT]) == exits
    assert said in capsys.readouterr().err
