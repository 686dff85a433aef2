"""`rocmox bench run --search`: the fastest way to build and run llama.cpp on a machine, found by A/B/A."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import itertools
import json
import math
import time
from collections.abc import Callable, Iterator, Sequence

from rocmox.bench.measurement import Measurement
from rocmox.bench.store import Run
from rocmox.engines.engine import MeasurementPlan
from rocmox.engines.llamacpp.bench.run import run_plan
from rocmox.engines.llamacpp.tune.building import Builder
from rocmox.engines.llamacpp.tune.contest import VariantFailedError, Verdict
from rocmox.engines.llamacpp.tune.descent import Axis, Meeting, descend
from rocmox.engines.llamacpp.tune.ground import Ground
from rocmox.engines.llamacpp.tune.journal import Journal
from rocmox.engines.llamacpp.tune.variant import Variant
from rocmox.errors import CannotLookError
from rocmox.machine import Machine

Tell = Callable[[str], None]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Result:
    """`gain` is of `best` against `start`, None when that was not measured; `complete` is False when time ran out."""

    start: Variant
    best: Variant
    gain: float | None
    axes: tuple[Axis, ...]
    meetings: tuple[Meeting, ...]
    complete: bool


@dataclasses.dataclass(kw_only=True)
class Bench:
    """Measures a variant with a plan; `builder` None when every variant runs the programs of the plan."""

    machine: Machine
    plan: MeasurementPlan
    builder: Builder | None
    tell: Tell
    timeout_seconds: float

    def prepare(self, variant: Variant) -> str:
        """The folder of its programs."""
        with self._failing():
            return self.builder.programs(variant) if self.builder else self.plan.programs

    def measure(self, variant: Variant) -> tuple[Run, float]:
        """One visit."""
        plan = dataclasses.replace(
            self.plan,
            programs=self.prepare(variant),
            split_modes=(variant.split_mode,),
            ubatch=variant.ubatch,
            threads=variant.threads,
        )
        with self._failing():
            run = run_plan(plan, self.machine, tell=lambda _: None, timeout_seconds=self.timeout_seconds)
            if run.failures:  # a part of the figures is no time of a request
                raise CannotLookError(run.failures[0].reason)
        seconds = seconds_of_a_request(run.measurements)
        self.tell(f"  {', '.join(f'{name} {value}' for name, value in variant.settings().items())}: {seconds:.3f} s")
        return run, seconds

    @contextlib.contextmanager
    def _failing(self) -> Iterator[None]:
        """What fails is the variant's doing, unless the machine does not answer either."""
        try:
            yield
        except CannotLookError as error:
            self.machine.run(["true"]).check()
            raise VariantFailedError(error.message, remedy=error.remedy) from error


def seconds_of_a_request(measurements: Sequence[Measurement]) -> float:
    """Prompt and answer together, the geometric mean over all depths and numbers of requests at once.

    One figure for what people wait for: a prompt twice as fast counts for as much as the time that it saves.
    """
    loads: dict[tuple[object, ...], float] = {}
    for one in measurements:
        load = (one.tool, one.parallel, one.depth_tokens)
        loads[load] = loads.get(load, 0.0) + one.parallel * one.tokens / one.tokens_per_second
    return math.exp(math.fsum(map(math.log, loads.values())) / len(loads))


def search(
    start: Variant,
    axes: Sequence[Axis],
    journal: Journal,
    bench: Bench,
    *,
    budget_seconds: float | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Result:
    """Contests until nothing beats the best so far, or time is over: no contest begins after that."""
    begun, number = clock(), itertools.count(1)
    most = sum(len(axis.values) - 1 for axis in axes if axis.values)

    def contest(incumbent: Variant, challenger: Variant) -> Verdict | None:
        if budget_seconds is not None and clock() - begun >= budget_seconds:
            bench.tell(f"the time of {budget_seconds / 60:g} min is over")
            return None
        title = f"{challenger.difference(incumbent)} against {incumbent.difference(challenger)}"
        bench.tell(f"contest {next(number)} ({most} in a turn): {title}")
        verdict = _meet(incumbent, challenger, journal, bench)
        bench.tell(in_words(verdict))
        return verdict

    best, meetings = descend(start, axes, contest)
    confirmed = _confirm(start, best, meetings, contest)
    lost = confirmed is not None and confirmed.word != "faster"
    return Result(
        start=start,
        best=start if lost else best,
        gain=confirmed.gain if confirmed and not lost else None,
        axes=tuple(axes),
        meetings=tuple(meetings),
        complete=all(meeting.verdict for meeting in meetings),
    )


def in_words(verdict: Verdict) -> str:
    """`faster (+12.0 %, noise ± 1.1 %)`."""
    if verdict.gain is None:
        return f"failed: {verdict.reason.splitlines()[-1] if verdict.reason else 'no figures'}"
    noise = f", noise ± {verdict.noise * 100:.1f} %" if verdict.noise is not None else ""
    return f"{verdict.word} ({verdict.gain * 100:+.1f} %{noise})"


def identity(plan: MeasurementPlan, start: Variant, ground: Ground, machine: str) -> str:
    """The same for searches whose contests can stand side by side."""
    what = [machine, dataclasses.asdict(plan), start.settings(), ground.directory, ground.options]
    return hashlib.sha256(json.dumps(what, default=str).encode()).hexdigest()[:12]


def _meet(incumbent: Variant, challenger: Variant, journal: Journal, bench: Bench) -> Verdict:
    """Builds go before the first visit: nothing comes between A, B and A."""
    bench.prepare(incumbent)
    try:
        bench.prepare(challenger)
    except VariantFailedError as error:
        return journal.note_failure(incumbent, challenger, error.message)
    return journal.contest(incumbent, challenger)


def _confirm(
    start: Variant, best: Variant, meetings: Sequence[Meeting], contest: Callable[[Variant, Variant], Verdict | None]
) -> Verdict | None:
    """The best against the start: the contest that was, or, after several steps, one of their own."""
    won = [meeting for meeting in meetings if meeting.verdict and meeting.verdict.word == "faster"]
    if not won:
        return None
    return won[0].verdict if len(won) == 1 else contest(start, best)
