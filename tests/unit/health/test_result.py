import itertools

import pytest

from rocmox.health.result import Result, Verdict, worst

ORDER = ["CRIT", "FAIL", "UNKNOWN", "WARN", "PASS", "NOT_APPLICABLE"]


def result(verdict: str) -> Result:
    return Result(check="c", code="C", verdict=Verdict(verdict), subject="s", summary="s")


@pytest.mark.parametrize(("worse", "better"), list(itertools.combinations(ORDER, 2)))
def test_precedence(worse: str, better: str) -> None:
    assert worst([result(better), result(worse)]) is Verdict(worse)


def test_no_result_at_all_is_not_applicable() -> None:
    assert worst([]) is Verdict.NOT_APPLICABLE
