"""The search, with a measurer that knows the truth: what is planted is found, noise is not, a kill costs little."""

import dataclasses
import datetime as dt
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rocmox.bench.store import Run, load_all
from rocmox.engines.llamacpp.source.geometry import Geometry
from rocmox.engines.llamacpp.tune.contest import VariantFailedError
from rocmox.engines.llamacpp.tune.descent import Axis, together
from rocmox.engines.llamacpp.tune.journal import Journal
from rocmox.engines.llamacpp.tune.search import Bench, Result, search, seconds_of_a_request
from rocmox.engines.llamacpp.tune.variant import Variant, role_variables
from rocmox.errors import CannotLookError, MachineError
from rocmox.machine import LocalMachine
from rocmox.report.bench_search import search_to_json, search_to_text
from tests.unit.bench.test_judgements import DECODE, RUN

NARROW = Geometry(nwarps=(1,) * 8, rows=(1,) * 8)
WIDE = Geometry(nwarps=(4,) * 8, rows=(1,) * 8)
AXES = [
    Axis(name="mmvq", values=({"geometry": None}, {"geometry": NARROW}, {"geometry": WIDE})),
    Axis(name="cublas", values=({"cublas": False}, {"cublas": True})),
    Axis(name="split", values=({"split_mode": "layer"}, {"split_mode": "row"})),
    Axis(name="threads", reason="the cards compute"),
]
START = Variant(cublas=False)


@dataclasses.dataclass
class World:
    """`speed` is the truth; `noise` what measuring adds; visits are counted, and end in an error at `killed_at`."""

    speed: Callable[[Variant], float]
    folder: Path
    noise: float = 0.01
    killed_at: int | None = None
    generator: random.Random = dataclasses.field(default_factory=lambda: random.Random(5))  # noqa: S311 - noise
    visits: int = 0
    clock: dt.datetime = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    said: list[str] = dataclasses.field(default_factory=list)

    def measure(self, variant: Variant) -> tuple[Run, float]:
        if self.visits == self.killed_at:
            raise KeyboardInterrupt
        self.visits += 1
        speed = self.speed(variant)
        if not speed:
            raise VariantFailedError("out of memory")
        self.clock += dt.timedelta(minutes=1)
        return dataclasses.replace(RUN, started=self.clock.isoformat()), self.generator.gauss(1, self.noise) / speed

    def search(self, **options: Any) -> Result:
        journal = Journal(folder=self.folder, measure=self.measure, rounds=4, now=lambda: self.clock)
        bench = Bench(machine=LocalMachine(), plan=None, builder=None, tell=self.said.append, timeout_seconds=1)  # type: ignore[arg-type]
        bench.prepare = lambda _: ""  # type: ignore[method-assign]
        return search(START, options.pop("axes", AXES), journal, bench, **options)


def planted(variant: Variant) -> float:
    """WIDE brings a tenth, rocBLAS another 6 %, row split takes away; NARROW cannot even load."""
    if variant.geometry == NARROW:
        return 0
    speed = 1.10 if variant.geometry == WIDE else 1.0
    return speed * (1.06 if variant.cublas else 1) * (0.8 if variant.split_mode == "row" else 1)


def test_what_is_planted_is_found(tmp_path: Path) -> None:
    world = World(planted, tmp_path)
    result = world.search()
    assert result.best == Variant(geometry=WIDE, cublas=True)
    assert result.gain == pytest.approx(1.1 * 1.06 - 1, abs=0.03)
    assert result.complete
    assert role_variables(result.best, START) == [
        "llama_cpp_mmvq_patch: true",
        'llama_cpp_mmvq_nwarps: "4"',
        'llama_cpp_mmvq_rows: "1"',
        "llama_cpp_force_cublas: true",
    ]
    shown = search_to_text(result)
    assert "out of memory" in shown
    assert "not varied: threads: the cards compute" in shown
    assert 'llama_cpp_mmvq_nwarps: "4"' in shown
    assert search_to_json(result)["contests"][0]["word"] == "failed"
    failed = [one for one in result.meetings if one.verdict and one.verdict.word == "failed"]
    assert len(load_all(tmp_path / "runs")) == world.visits - len(failed)
    assert all(run.settings["mmvq"] for run in load_all(tmp_path / "runs"))


def test_every_combination_finds_what_one_axis_after_the_other_misses(tmp_path: Path) -> None:
    def hidden(variant: Variant) -> float:
        return 1.2 if (variant.geometry, variant.cublas) == (WIDE, True) else 1.0

    assert World(hidden, tmp_path / "1").search().best == START
    found = World(hidden, tmp_path / "2").search(axes=together(AXES))
    assert (found.best.geometry, found.best.cublas) == (WIDE, True)


def test_noise_changes_nothing(tmp_path: Path) -> None:
    changed = 0
    for seed in range(30):
        world = World(lambda _: 1.0, tmp_path / str(seed), noise=0.03, generator=random.Random(seed))  # noqa: S311 - noise
        result = world.search()
        changed += result.best != START
        if result.best == START:
            assert "faster beyond noise" in search_to_text(result)
    assert changed <= 2


@pytest.mark.parametrize("killed_at", range(0, 24, 3))
def test_a_killed_search_goes_on(tmp_path: Path, killed_at: int) -> None:
    whole = World(planted, tmp_path / "whole", noise=0.002)
    whole.search()
    world = World(planted, tmp_path / "killed", noise=0.002, killed_at=killed_at)
    with pytest.raises(KeyboardInterrupt):
        world.search()
    world.killed_at = None
    result = world.search()
    assert result.best == Variant(geometry=WIDE, cublas=True)
    assert world.visits <= whole.visits + 2
    again = world.visits
    assert world.search() == result
    assert world.visits == again


def test_visits_of_yesterday_are_measured_again(tmp_path: Path) -> None:
    world = World(planted, tmp_path, killed_at=5)
    with pytest.raises(KeyboardInterrupt):
        world.search()
    world.killed_at = None
    world.clock += dt.timedelta(days=1)
    stored = {path: path.read_bytes() for path in (tmp_path / "runs").iterdir()}
    assert world.search().best == Variant(geometry=WIDE, cublas=True)
    assert all(path.read_bytes() == content for path, content in stored.items())


def test_time_that_runs_out_is_said(tmp_path: Path) -> None:
    world = World(planted, tmp_path)
    ticks = iter(range(0, 6000, 60))
    result = world.search(budget_seconds=100, clock=lambda: next(ticks))
    assert not result.complete
    assert "Time ran out" in search_to_text(result)
    assert "the time of 1.66667 min is over" in world.said


def test_a_visit_that_fails_once_is_repeated(tmp_path: Path) -> None:
    """A variant that ran before may lose a connection; one that fails twice ends the search, to be gone on with."""
    calls = {"count": 0}

    def flaky(variant: Variant) -> float:
        calls["count"] += 1
        return 0 if calls["count"] == 5 else planted(variant)

    assert World(flaky, tmp_path / "once", noise=0.002).search().best == Variant(geometry=WIDE, cublas=True)
    calls["count"] = 0

    def gone(variant: Variant) -> float:
        calls["count"] += 1
        return 0 if variant == START and calls["count"] > 3 else 1.0

    with pytest.raises(VariantFailedError):
        World(gone, tmp_path / "gone").search()


def test_what_serves_now_must_run(tmp_path: Path) -> None:
    with pytest.raises(VariantFailedError):
        World(lambda _: 0, tmp_path).search()


def test_a_machine_that_does_not_answer_ends_the_search(tmp_path: Path) -> None:
    class Gone(LocalMachine):
        def run(self, *_: Any, **__: Any) -> Any:
            raise MachineError("no route")

    bench = Bench(machine=Gone(), plan=None, builder=None, tell=print, timeout_seconds=1)  # type: ignore[arg-type]
    with pytest.raises(MachineError, match="no route"), bench._failing():
        raise CannotLookError("the bench ended")
    assert not list(tmp_path.iterdir())


def test_a_broken_contest_is_held_again(tmp_path: Path) -> None:
    World(planted, tmp_path, noise=0).search()
    for path in tmp_path.glob("contest-*.json"):
        path.write_text("{", encoding="utf-8")
    assert World(planted, tmp_path, noise=0).search().best == Variant(geometry=WIDE, cublas=True)


def test_a_request_is_prompt_and_answer() -> None:
    prompt = dataclasses.replace(DECODE, phase="prefill", tokens=512, samples=(256.0,))
    answer = dataclasses.replace(DECODE, tokens=128, samples=(32.0,))
    assert seconds_of_a_request([prompt, answer]) == pytest.approx(6)
    two = dataclasses.replace(answer, parallel=2, samples=(64.0,))
    assert seconds_of_a_request([prompt, answer, two]) == pytest.approx((6 * 4) ** 0.5)


def test_columns_of_their_own_and_a_models_arguments() -> None:
    best = Variant(geometry=Geometry(nwarps=(4, 2, 2, 2, 1, 1, 1, 1), rows=(1,) * 8), ubatch=256, threads=2)
    assert role_variables(best, Variant()) == [
        "llama_cpp_mmvq_patch: true",
        'llama_cpp_mmvq_nwarps: "4,2,2,2,1,1,1,1"',
        'llama_cpp_mmvq_rows: "1"',
        'extra_arguments: ["--ubatch-size", "256", "--threads", "2"] # of the model in llama_cpp_models',
    ]
    assert role_variables(Variant(), best)[0] == "llama_cpp_mmvq_patch: false"
