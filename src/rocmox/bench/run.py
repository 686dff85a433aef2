"""Running the benches of a plan, one after the other, and keeping what each of them said."""

from __future__ import annotations

import dataclasses
import datetime as dt
import shlex
from collections.abc import Callable

from rocmox.bench.batched_bench import parse_batched_bench
from rocmox.bench.commands import Abilities, Plan, batched_bench, llama_bench, read_abilities
from rocmox.bench.llama_bench import parse_llama_bench
from rocmox.bench.measurement import Measurement
from rocmox.bench.processor import measure_memory, read_operations
from rocmox.bench.store import Failure, Run
from rocmox.bench.surroundings import read_surroundings
from rocmox.errors import CannotLookError
from rocmox.machine import Machine

Tell = Callable[[str], None]


def run_plan(plan: Plan, machine: Machine, *, tell: Tell, timeout_seconds: float) -> Run:
    """Measure; a split mode that fails is a failure of its own and does not end the run.

    UsageError when the programs are not there, CannotLookError when nothing at all could be measured.
    """
    abilities = read_abilities(machine, plan.programs)
    surroundings = read_surroundings(machine, programs=plan.programs)
    started = dt.datetime.now(tz=dt.UTC).isoformat(timespec="seconds")

    def output(argv: list[str]) -> str:
        tell(shlex.join(argv))
        return machine.run(argv, timeout_seconds=timeout_seconds).check().stdout

    measured: list[Measurement] = []
    failures: list[Failure] = []
    for split_mode in plan.split_modes:
        try:
            measured += _measure(split_mode, plan, abilities, output)
        except CannotLookError as error:
            tell(f"split {split_mode} gave no figures")
            failures.append(Failure(label=f"split {split_mode}", reason=error.message[-2000:]))
    if not measured:
        raise CannotLookError(
            "nothing could be measured: " + "; ".join(f"{failure.label}: {failure.reason}" for failure in failures),
            remedy="Run the printed command by hand on that machine.",
        )
    return Run(
        started=started,
        surroundings=surroundings,
        measurements=tuple(measured),
        failures=tuple(failures),
        processor_memory_bytes_per_second=None if surroundings.cards else measure_memory(machine),
        processor_operations_per_second=None if surroundings.cards else read_operations(machine),
    )


def _measure(split_mode: str, plan: Plan, abilities: Abilities, run: Callable[[list[str]], str]) -> list[Measurement]:
    single = parse_llama_bench(run(llama_bench(plan, split_mode, abilities)))
    several: list[Measurement] = []
    if plan.parallel and single:
        several = _measure_several(split_mode, plan, single[0], lambda: run(batched_bench(plan, split_mode, abilities)))
    return [dataclasses.replace(one, threads=plan.threads) for one in (*single, *several)]


def _measure_several(split_mode: str, plan: Plan, first: Measurement, run: Callable[[], str]) -> list[Measurement]:
    """llama-batched-bench measures once: it is run as often as there are to be repetitions."""
    rounds = [
        parse_batched_bench(run(), model=first.model, model_bytes=first.model_bytes, split_mode=split_mode)
        for _ in range(plan.batched_repetitions)
    ]
    return [
        dataclasses.replace(
            same[0], parameters=first.parameters, samples=tuple(sample for one in same for sample in one.samples)
        )
        for same in zip(*rounds, strict=True)
    ]
