"""From what the probe said to one verdict; and the theory of a link."""

import dataclasses
from typing import Any

import pytest

from rocmox.facts.pci import Link
from rocmox.health.hip.answer import Answer
from rocmox.health.p2p.judge import judge_pair
from rocmox.health.p2p.pair import Pair, link_bytes_per_second
from rocmox.health.result import Verdict

MIB = 1 << 20
RIGHT = {"kind": None, "wrong": 0, "first": None, "payload": 256 * MIB}
WRONG = {"kind": "scattered", "wrong": 3, "first": 17, "payload": 4 * MIB}
PAIR = Pair(source="0000:03:00.0", destination="0000:06:00.0", source_device=0, destination_device=1)
ACCESS = {"access": {"forward": True, "back": True}}


class Measured(Pair):
    """A pair on a link of 10 GB/s."""

    theory_bytes_per_second = 10e9  # type: ignore[assignment]


def copy(*, difference: dict[str, Any] = RIGHT, seconds: float = 0.02, name: str = "peer_async") -> dict[str, Any]:
    return {"copy": name, "way": "push", "bytes": 256 * MIB, "seconds": seconds, "difference": difference}


def answer(*said: dict[str, Any], end: str = "done", detail: str = "") -> Answer:
    return Answer(end=end, detail=detail, stderr="", seconds=1.0, said=({"library": "x"}, *said))


GOOD = (ACCESS, {"room": 256 * MIB}, copy(), {"control": True}, {"latency_seconds": 1e-5})


@pytest.mark.parametrize(
    ("given", "verdict", "code"),
    [
        (answer(*GOOD), Verdict.PASS, "P2P_OK"),
        (answer(ACCESS, copy(difference=WRONG)), Verdict.CRIT, "P2P_DATA_CORRUPT"),
        # wrong data before the crash is what matters
        (answer(ACCESS, copy(difference=WRONG), end="signal", detail="SIGSEGV"), Verdict.CRIT, "P2P_DATA_CORRUPT"),
        (answer(*GOOD, {"source_changed": WRONG}), Verdict.CRIT, "P2P_DATA_CORRUPT"),
        (answer(*GOOD, end="signal", detail="SIGSEGV"), Verdict.FAIL, "P2P_CRASHED"),
        (answer(*GOOD, end="signal", detail="SIGKILL"), Verdict.UNKNOWN, "P2P_KILLED"),
        (answer(ACCESS, end="timeout"), Verdict.FAIL, "P2P_TIMEOUT"),
        (answer(ACCESS, end="stuck"), Verdict.CRIT, "P2P_STUCK"),
        (answer(ACCESS, end="exit", detail="70"), Verdict.UNKNOWN, "P2P_PROBE_FAILED"),
        (answer({"missing": "no such file"}), Verdict.UNKNOWN, "P2P_CLAIMED_NOT_TESTED"),
        (answer({"access": {"forward": False, "back": False}}), Verdict.FAIL, "P2P_NO_ACCESS"),
        (answer({"access": {"forward": False, "back": True}}), Verdict.FAIL, "P2P_ONE_WAY"),
        (answer({"error": {"call": "hipMalloc", "name": "hipErrorOutOfMemory"}}), Verdict.UNKNOWN, "P2P_OUT_OF_MEMORY"),
        (answer({"error": {"call": "hipFree", "name": "hipErrorUnknown"}}), Verdict.FAIL, "P2P_CALL_FAILED"),
        (answer(ACCESS, copy(), {"control": False}), Verdict.UNKNOWN, "P2P_COMPARISON_BLIND"),
        # nothing was compared at all
        (answer(ACCESS), Verdict.UNKNOWN, "P2P_COMPARISON_BLIND"),
        (answer(*GOOD, {"latency_seconds": 0.004}), Verdict.WARN, "P2P_LATENCY"),
    ],
)
def test_verdicts(given: Answer, verdict: Verdict, code: str) -> None:
    judged = judge_pair(PAIR, given)
    assert (judged.verdict, judged.code) == (verdict, code)
    assert judged.result.subject == "0000:03:00.0 -> 0000:06:00.0"
    assert bool(judged.remedy) == (verdict is not Verdict.PASS)


@pytest.mark.parametrize(
    ("gigabytes", "verdict"),
    [(9.9, Verdict.PASS), (5.6, Verdict.PASS), (5.4, Verdict.WARN), (3.1, Verdict.WARN), (2.9, Verdict.FAIL)],
)
def test_speed_is_judged_by_the_link(gigabytes: float, verdict: Verdict) -> None:
    pair = Measured(**{field.name: getattr(PAIR, field.name) for field in dataclasses.fields(PAIR)})
    said = (ACCESS, copy(seconds=256 * MIB / (gigabytes * 1e9)), {"control": True})
    judged = judge_pair(pair, answer(*said))
    assert judged.verdict is verdict
    assert judged.bytes_per_second == pytest.approx(gigabytes * 1e9)
    assert judged.code == ("P2P_OK" if verdict is Verdict.PASS else "P2P_SLOW")


@pytest.mark.parametrize(("gigabytes", "verdict"), [(1.1, Verdict.PASS), (0.9, Verdict.WARN)])
def test_speed_without_a_known_link_is_judged_by_one_lane(gigabytes: float, verdict: Verdict) -> None:
    said = (ACCESS, copy(seconds=256 * MIB / (gigabytes * 1e9)), {"control": True})
    assert judge_pair(PAIR, answer(*said)).verdict is verdict


def test_the_rate_is_of_the_best_of_the_largest_copies() -> None:
    small = {**copy(seconds=1e-6), "bytes": 4096}
    judged = judge_pair(PAIR, answer(ACCESS, small, copy(seconds=0.04), copy(seconds=0.02), {"control": True}))
    assert judged.bytes_per_second == pytest.approx(256 * MIB / 0.02)
    assert judged.largest_bytes == 256 * MIB


@pytest.mark.parametrize(
    ("speed", "width", "gigabytes"),
    [
        (8.0, 16, 15.75),
        (8.0, 8, 7.88),
        (8.0, 4, 3.94),
        (16.0, 16, 31.5),
        (2.5, 16, 4.0),
        (5.0, 1, 0.5),
        (32.0, 16, 63.02),
    ],
)
def test_theory_of_a_link(speed: float, width: int, gigabytes: float) -> None:
    link = Link(at="0000:00:01.0", speed_gts=speed, width=width, max_speed_gts=speed, max_width=width)
    assert link_bytes_per_second(link) / 1e9 == pytest.approx(gigabytes, abs=0.01)
