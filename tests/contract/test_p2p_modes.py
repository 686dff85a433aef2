"""Every way in which the stand-in for libamdhip64 fails, and the verdict on each pair of cards."""

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from rocmox.health.context import Context
from rocmox.health.p2p import run
from rocmox.health.p2p.pair import PairVerdict
from rocmox.health.p2p.plan import CopyPlan
from rocmox.health.result import Verdict
from rocmox.machine import LocalMachine
from rocmox_lab.gpus import build
from rocmox_lab.hip import MODES, device_words
from tests.stand_in import TWO_CARDS, StandIn

MIB = 1 << 20
UP, DOWN = "0000:03:00.0 -> 0000:06:00.0", "0000:06:00.0 -> 0000:03:00.0"
LIMIT_SECONDS = 15.0
# Mode → verdict, code and damage of both pairs.
EXPECTED = {
    "healthy": (Verdict.PASS, "P2P_OK", None),
    "no-access": (Verdict.FAIL, "P2P_NO_ACCESS", None),
    "no-copy": (Verdict.CRIT, "P2P_DATA_CORRUPT", "unchanged"),
    "partial": (Verdict.CRIT, "P2P_DATA_CORRUPT", "partial"),
    "corrupt": (Verdict.CRIT, "P2P_DATA_CORRUPT", "scattered"),
    "changes-source": (Verdict.CRIT, "P2P_DATA_CORRUPT", "source"),
    "crash": (Verdict.FAIL, "P2P_CRASHED", None),
    "abort": (Verdict.FAIL, "P2P_CRASHED", None),
    "fails": (Verdict.FAIL, "P2P_CALL_FAILED", None),
    "out-of-memory": (Verdict.UNKNOWN, "P2P_OUT_OF_MEMORY", None),
}
ELSEWHERE = {"crowd", "one-way", "hang", "slow", "no-device"}  # have tests of their own below


@pytest.fixture
def fresh_tree(tmp_path: Path) -> Callable[[str], Path]:
    """Profile → folder with the constructed cards."""

    def tree(profile: str) -> Path:
        build(profile, tmp_path / profile)
        return tmp_path / profile

    return tree


@pytest.fixture(autouse=True)
def small_sizes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kilobytes instead of 256 MiB; tests named `real_sizes` copy those."""
    if "real_sizes" in request.node.name:
        return

    def plan_for(level: int, limit_seconds: float | None = None) -> CopyPlan:
        return CopyPlan(
            sizes=(4096, 262144),
            rows_bytes=65536,
            repeats=1,
            limit_seconds=LIMIT_SECONDS if limit_seconds is None else limit_seconds,
            crowd_bytes=65536 if level > 2 else None,
        )

    monkeypatch.setattr(run, "plan_for", plan_for)


def examine(*, level: int = 2, limit_seconds: float | None = None, root: str = "/") -> dict[str, PairVerdict]:
    report = run.examine(Context(machine=LocalMachine(root=root), level=level), limit_seconds=limit_seconds)
    return {one.pair.name: one for one in report.pairs}


def told(one: PairVerdict) -> tuple[Verdict, str, str | None]:
    return one.verdict, one.code, one.damage


def test_every_mode_is_expected_somewhere() -> None:
    assert {*EXPECTED, *ELSEWHERE} == set(MODES)


@pytest.mark.parametrize("mode", EXPECTED)
def test_a_mode_gets_its_verdict_on_every_pair(mode: str, stand_in: StandIn) -> None:
    stand_in.be(f"mode={mode} {TWO_CARDS}")
    found = examine()
    assert {name: told(one) for name, one in found.items()} == {UP: EXPECTED[mode], DOWN: EXPECTED[mode]}
    assert all(bool(one.remedy) != (one.verdict is Verdict.PASS) for one in found.values())


def test_one_direction_is_broken(stand_in: StandIn) -> None:
    stand_in.be(f"mode=one-way {TWO_CARDS}")
    found = examine()
    assert told(found[UP]) == (Verdict.PASS, "P2P_OK", None)
    assert told(found[DOWN]) == (Verdict.CRIT, "P2P_DATA_CORRUPT", "unchanged")


def test_access_in_one_direction(stand_in: StandIn) -> None:
    stand_in.be(f"mode=no-access pairs=1>0 {TWO_CARDS}")
    found = examine()
    assert {name: one.code for name, one in found.items()} == {UP: "P2P_OK", DOWN: "P2P_ONE_WAY"}


def test_a_hang_ends_at_the_limit_and_names_the_call(stand_in: StandIn) -> None:
    stand_in.be(f"mode=hang pairs=0>1 {TWO_CARDS}")
    started = time.monotonic()
    found = examine(limit_seconds=1)
    assert time.monotonic() - started < 30
    assert (found[UP].verdict, found[UP].code) == (Verdict.FAIL, "P2P_TIMEOUT")
    assert "killed during peer push of 4096 bytes" in found[UP].summary


@pytest.mark.parametrize("call", ["hipDeviceCanAccessPeer", "hipMalloc", "hipStreamCreateWithFlags", "hipEventRecord"])
def test_a_crash_elsewhere_is_a_verdict_too(call: str, stand_in: StandIn) -> None:
    stand_in.be(f"mode=crash at={call} {TWO_CARDS}")
    assert {one.code for one in examine().values()} == {"P2P_CRASHED"}


def test_slow_is_measured_against_the_link(stand_in: StandIn, fresh_tree: Callable[[str], Path]) -> None:
    tree = fresh_tree("w7900x2")
    stand_in.be(f"mode=slow {device_words(tree)}")
    found = examine(root=str(tree))
    assert {told(one) for one in found.values()} == {(Verdict.FAIL, "P2P_SLOW", None)}
    assert "% of the link's 31.5" in next(iter(found.values())).summary

    stand_in.be(f"mode=healthy {device_words(tree)}".replace("@25206", "@14000"))
    assert {told(one) for one in examine(root=str(tree)).values()} == {(Verdict.WARN, "P2P_SLOW", None)}


def test_three_cards_are_six_pairs(stand_in: StandIn, fresh_tree: Callable[[str], Path]) -> None:
    tree = fresh_tree("mi50x3")
    stand_in.be(f"mode=corrupt every=1000 pairs=2>0 {device_words(tree)}")
    codes = {name: one.code for name, one in examine(root=str(tree)).items()}
    assert codes.pop("0000:09:00.0 -> 0000:03:00.0") == "P2P_DATA_CORRUPT"
    assert list(codes.values()) == ["P2P_OK"] * 5


def test_a_crowd_is_tested_at_level_3(stand_in: StandIn) -> None:
    stand_in.be(f"mode=healthy {TWO_CARDS}")
    found = examine(level=3)
    assert {one.code for one in found.values()} == {"P2P_OK"}
    crowds = [line.source for line in found[UP].evidence if line.value == "all arrive byte for byte"]
    assert crowds == ["both directions at once", "2 pairs at once"]


def test_what_breaks_in_a_crowd_alone(stand_in: StandIn) -> None:
    stand_in.be(f"mode=crowd {TWO_CARDS}")
    assert {one.code for one in examine().values()} == {"P2P_OK"}
    found = examine(level=3)
    assert {told(one) for one in found.values()} == {(Verdict.CRIT, "P2P_DATA_CORRUPT", "unchanged")}
    assert "both directions at once" in found[UP].summary


def test_less_memory_means_smaller_copies(stand_in: StandIn) -> None:
    stand_in.be(f"mode=healthy memory_mib=1 {TWO_CARDS}")
    assert {one.largest_bytes for one in examine().values()} == {262144}


@pytest.mark.parametrize(
    ("words", "code", "verdict"),
    [
        ("mode=no-device", "P2P_NO_DEVICE", Verdict.NOT_APPLICABLE),
        ("mode=crash at=hipGetDeviceCount", "P2P_LIBRARY_CRASHED", Verdict.UNKNOWN),
        ("mode=fails at=hipGetDeviceCount", "P2P_LIBRARY_FAILED", Verdict.UNKNOWN),
        ("devices=0000:03:00.0", "P2P_NOT_APPLICABLE", Verdict.NOT_APPLICABLE),
    ],
)
def test_without_pairs_the_machine_gets_the_verdict(
    words: str, code: str, verdict: Verdict, stand_in: StandIn, fresh_tree: Callable[[str], Path]
) -> None:
    stand_in.be(words)
    report = run.examine(Context(machine=LocalMachine(root=str(fresh_tree("none"))), level=2))
    assert report.why_none is not None
    assert (report.why_none.code, report.verdict) == (code, verdict)


@pytest.mark.parametrize(
    ("words", "code", "verdict"),
    [
        ("mode=no-device", "P2P_NO_DEVICE", Verdict.UNKNOWN),
        ("mode=abort at=hipGetDeviceCount", "P2P_LIBRARY_CRASHED", Verdict.FAIL),
        ("devices=0000:03:00.0", "P2P_CLAIMED_NOT_TESTED", Verdict.UNKNOWN),
    ],
)
def test_cards_that_hip_does_not_list(
    words: str, code: str, verdict: Verdict, stand_in: StandIn, fresh_tree: Callable[[str], Path]
) -> None:
    stand_in.be(words)
    found = examine(root=str(fresh_tree("w7900x2")))
    assert {(one.code, one.verdict) for one in found.values()} == {(code, verdict)}


def test_no_library_is_no_answer(monkeypatch: pytest.MonkeyPatch, fresh_tree: Callable[[str], Path]) -> None:
    monkeypatch.setenv("ROCMOX_HIP_LIBRARY", "/nowhere/libamdhip64.so")
    found = examine(root=str(fresh_tree("w7900x2")))
    assert {(one.code, one.verdict) for one in found.values()} == {("P2P_CLAIMED_NOT_TESTED", Verdict.UNKNOWN)}
    assert "/nowhere/libamdhip64.so: cannot open shared object file" in found["0000:03:00.0 -> 0000:c3:00.0"].summary


def test_after_a_process_that_cannot_be_killed_nothing_more_is_started(
    stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in.be(f"mode=healthy {TWO_CARDS}")
    ask = run.ask
    monkeypatch.setattr(run, "ask", lambda *given, **more: dataclasses.replace(ask(*given, **more), end="stuck"))
    found = examine()
    assert (found[UP].verdict, found[UP].code) == (Verdict.CRIT, "P2P_STUCK")
    assert (found[DOWN].verdict, found[DOWN].code) == (Verdict.UNKNOWN, "P2P_NOT_TESTED")


def test_real_sizes_at_level_2(stand_in: StandIn, fresh_tree: Callable[[str], Path]) -> None:
    tree = fresh_tree("mi50x3")
    stand_in.be(f"mode=healthy {device_words(tree)}")
    found = examine(root=str(tree), limit_seconds=60)
    assert [one.code for one in found.values()] == ["P2P_OK"] * 6
    assert {one.largest_bytes for one in found.values()} == {256 * MIB}


def test_real_sizes_find_one_byte_in_200_million(stand_in: StandIn) -> None:
    stand_in.be(f"mode=corrupt every=200000000 pairs=0>1 {TWO_CARDS}")
    found = examine(limit_seconds=60)
    assert told(found[UP]) == (Verdict.CRIT, "P2P_DATA_CORRUPT", "scattered")
    assert found[DOWN].code == "P2P_OK"


def test_real_sizes_at_level_3(stand_in: StandIn) -> None:
    stand_in.be(f"mode=healthy {TWO_CARDS}")
    found = examine(level=3, limit_seconds=110)
    assert [one.code for one in found.values()] == ["P2P_OK"] * 2
