"""What a guest says of the results that its node handed over."""

import time
from pathlib import Path

import pytest

from rocmox.health.context import Context
from rocmox.health.result import Result, Verdict, seen
from rocmox.health.run import run_checks
from rocmox.health.watch.handed import Handed, to_text
from rocmox.machine.captured import CapturedMachine

GOOD_FOR_SECONDS = 900.0
WELL = Result(check="iommu", code="IOMMU_NONE", verdict=Verdict.PASS, subject="node", summary="none", evidence=())
BAD = Result(
    check="kernel_log",
    code="KERNEL_LOG_RING_TIMEOUT",
    verdict=Verdict.FAIL,
    subject="0000:03:00.0",
    summary="a ring stood still",
    evidence=(seen("/dev/kmsg", "ring"),),
    remedy="Reset it.",
)


def handed(*results: Result, age_seconds: float = 10.0) -> str:
    at = time.time() - age_seconds
    return to_text(Handed(node="pve1", at_seconds=at, good_for_seconds=GOOD_FOR_SECONDS, results=results))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (handed(WELL), [("NODE_OK", Verdict.PASS)]),
        (handed(WELL, BAD), [("NODE_REPORTS", Verdict.FAIL)]),
        (handed(WELL, age_seconds=86_400.0), [("NODE_STALE", Verdict.WARN)]),
        (handed(BAD, age_seconds=86_400.0), [("NODE_STALE", Verdict.WARN), ("NODE_REPORTS", Verdict.FAIL)]),
        ("{", [("NODE_UNREADABLE", Verdict.UNKNOWN)]),
    ],
)
def test_what_a_node_hands_over(text: str, expected: list[tuple[str, Verdict]], tmp_path: Path) -> None:
    for name, content in {"run/systemd/container": "lxc\n", "run/rocmox/host-health.json": text}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    results = run_checks(Context(machine=CapturedMachine(tmp_path)), only=["node"])
    assert [(result.code, result.verdict) for result in results] == expected
    assert all(result.remedy for result in results if result.verdict is not Verdict.PASS)


def test_a_guest_that_was_told_nothing_says_so(tmp_path: Path) -> None:
    (tmp_path / "run/systemd").mkdir(parents=True)
    (tmp_path / "run/systemd/container").write_text("lxc\n")
    (result,) = run_checks(Context(machine=CapturedMachine(tmp_path)), only=["node"])
    assert result.code == "NODE_NOT_APPLICABLE"
