"""Every outcome of an open, as data: tests/cases/gpu_health/access.json."""

import json
from pathlib import Path
from typing import Any

import pytest

from rocmox.facts.container_config import PassedDevice
from rocmox.gpu.inventory import Passthrough
from rocmox.health.access import Attempt, Guest, judge_absent, judge_passed

CASES = json.loads((Path(__file__).parents[2] / "cases" / "gpu_health" / "access.json").read_text())


def guest_of(case: dict[str, Any]) -> Guest:
    raw_lines = tuple((key, value) for key, value in case.get("raw_lines", ()))
    passthrough = Passthrough(vmid=101, constructed=case["constructed"], devices=(), card_nodes=(), raw_lines=raw_lines)
    answer = {"user": case["user"], "user_groups": case["user_groups"], "group_ids": case["group_ids"]}
    return Guest.from_answer(answer, passthrough if case["node_asked"] else None)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_an_open_is_judged(case: dict[str, Any]) -> None:
    attempt = Attempt.from_answer(case["attempt"])
    if case["line"] is None:
        result = judge_absent(attempt, guest_of(case))
    else:
        result = judge_passed(PassedDevice(**case["line"]), attempt, guest_of(case))
    assert (result.code, result.verdict.value) == (case["code"], case["verdict"])
    for words in case["remedy_says"]:
        assert words in result.remedy
    assert bool(result.remedy) == (case["verdict"] != "PASS")
    assert result.evidence[0].source == f"open({attempt.path}, O_RDWR)"
