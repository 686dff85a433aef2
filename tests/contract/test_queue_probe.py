"""The active probe of the scheduler: every way in which small work fails, and its verdict."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from rocmox.health.context import Context
from rocmox.health.hip import holders
from rocmox.health.queues import probe_queues
from rocmox.health.result import Reporter, Result, Verdict
from rocmox.machine import LocalMachine
from rocmox_lab.gpus import build
from tests.stand_in import TWO_CARDS, StandIn


def probe(*, root: str = "/", forced: bool = False, limit_seconds: float = 20) -> list[Result]:
    context = Context(machine=LocalMachine(root=root), level=2, forced=forced)
    return list(probe_queues(context, Reporter("mes"), limit_seconds=limit_seconds))


@pytest.fixture
def tree(tmp_path: Path) -> Callable[[str], str]:
    def make(profile: str) -> str:
        build(profile, tmp_path / profile)
        return str(tmp_path / profile)

    return make


@pytest.mark.parametrize(
    ("words", "verdict", "code"),
    [
        ("mode=healthy", Verdict.PASS, "QUEUES_OK"),
        ("mode=crash at=hipStreamCreateWithFlags", Verdict.FAIL, "QUEUES_CRASHED"),
        ("mode=abort at=hipMemsetAsync", Verdict.FAIL, "QUEUES_CRASHED"),
        ("mode=fails at=hipEventSynchronize", Verdict.FAIL, "QUEUES_CALL_FAILED"),
        ("mode=corrupt every=65536 at=hipMemsetAsync", Verdict.CRIT, "QUEUES_WRONG"),
        ("mode=out-of-memory", Verdict.UNKNOWN, "QUEUES_OUT_OF_MEMORY"),
    ],
)
def test_each_card_gets_its_verdict(words: str, verdict: Verdict, code: str, stand_in: StandIn) -> None:
    stand_in.be(f"{words} {TWO_CARDS}")
    assert [(result.subject, result.verdict, result.code) for result in probe()] == [
        ("0000:03:00.0", verdict, code),
        ("0000:06:00.0", verdict, code),
    ]


@pytest.mark.parametrize("call", ["hipStreamDestroy", "hipEventSynchronize"])
def test_a_hang_ends_at_the_limit(call: str, stand_in: StandIn) -> None:
    stand_in.be(f"mode=hang at={call} {TWO_CARDS}")
    started = time.monotonic()
    results = probe(limit_seconds=1)
    assert [result.code for result in results] == ["QUEUES_HUNG"] * 2
    assert time.monotonic() - started < 30


@pytest.mark.parametrize(
    ("words", "profile", "expected"),
    [
        ("mode=no-device", "none", (Verdict.NOT_APPLICABLE, "MES_NOT_APPLICABLE")),
        ("mode=no-device", "w7900x2", (Verdict.UNKNOWN, "QUEUES_NO_DEVICE")),
        ("mode=crash at=hipGetDeviceCount", "w7900x2", (Verdict.FAIL, "QUEUES_LIBRARY_CRASHED")),
    ],
)
def test_without_devices(
    words: str, profile: str, expected: tuple[Verdict, str], stand_in: StandIn, tree: Callable[[str], str]
) -> None:
    stand_in.be(words)
    assert [(result.verdict, result.code) for result in probe(root=tree(profile))] == [expected]


def test_cards_in_use_are_left_alone(stand_in: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in.be(f"mode=healthy {TWO_CARDS}")
    held = {"holders": [{"pid": 812, "name": "llama-server", "paths": ["/dev/kfd"]}], "blind": 0}
    monkeypatch.setattr(holders, "run_probe", lambda *_given: held)
    assert [result.code for result in probe()] == ["QUEUES_CARDS_BUSY"] * 2
    assert [result.code for result in probe(forced=True)] == ["QUEUES_OK"] * 2
