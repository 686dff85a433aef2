"""A plan measured on a machine, with everything that its figures depend on."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence

from rocmox.bench.held import may_open_kfd
from rocmox.bench.measurement import Measurement
from rocmox.bench.processor import measure_memory, read_operations
from rocmox.bench.store import Run
from rocmox.bench.surroundings import read_surroundings
from rocmox.bench.weights import read_weights
from rocmox.engines.engine import MeasurementPlan, Tell
from rocmox.engines.llamacpp.bench.build_notes import named_build, read_build
from rocmox.engines.llamacpp.bench.commands import read_abilities
from rocmox.engines.llamacpp.bench.series import Series
from rocmox.errors import CannotLookError, UsageError
from rocmox.machine import Machine


def run_plan(plan: MeasurementPlan, machine: Machine, *, tell: Tell, timeout_seconds: float) -> Run:
    """Measure; a split mode that fails is a failure of its own and does not end the run.

    UsageError when the programs are not there, CannotLookError when nothing at all could be measured.
    """
    abilities = read_abilities(machine, plan.programs)
    if plan.rpc and not abilities.rpc:
        raise UsageError(
            f"llama-bench in {plan.programs} knows no --rpc",
            remedy="Build llama.cpp with -DGGML_RPC=ON, or leave it out.",
        )
    surroundings = read_surroundings(machine, read_build(machine, plan.programs), rpc=plan.rpc)
    started = dt.datetime.now(tz=dt.UTC).isoformat(timespec="seconds")

    series = Series(plan=plan, abilities=abilities, machine=machine, tell=tell, timeout_seconds=timeout_seconds)
    for split_mode in plan.split_modes:
        series.measure(split_mode)
    measured, failures = series.measured, series.failures
    if not measured:
        raise CannotLookError(
            "nothing could be measured: " + "; ".join(f"{failure.label}: {failure.reason}" for failure in failures),
            remedy="Run the printed command by hand on that machine.",
        )
    if not _cards_worked(measured, plan, machine):
        surroundings = dataclasses.replace(surroundings, cards=())
    if surroundings.engine.version is None and series.build:  # a folder without llama-server
        told = named_build(*series.build, programs=plan.programs, options=surroundings.engine.options)
        surroundings = dataclasses.replace(surroundings, engine=told)
    on_processor = not surroundings.cards and not plan.rpc
    return Run(
        started=started,
        surroundings=surroundings,
        measurements=tuple(measured),
        failures=tuple(failures),
        processor_memory_bytes_per_second=measure_memory(machine) if on_processor else None,
        processor_operations_per_second=read_operations(machine) if on_processor else None,
        weights=read_weights(machine, plan.model),
    )


def _cards_worked(measured: Sequence[Measurement], plan: MeasurementPlan, machine: Machine) -> bool:
    """A build without HIP, or one that ROCm shows no card, computes on the processors and says so by no device."""
    seen = {one.devices for one in measured if one.devices is not None}
    return plan.gpu_layers != 0 and (any(seen) if seen else may_open_kfd(machine))
