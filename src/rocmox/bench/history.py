"""Which earlier run a run is held against, and which ones show how much runs differ when nothing changed."""

from __future__ import annotations

from collections.abc import Sequence

from rocmox.bench.compare import Comparison, compare
from rocmox.bench.store import Run


def former(run: Run, runs: Sequence[Run]) -> Run | None:
    """The newest earlier run of the same machine and models; None for the first one."""
    models = {one.model for one in run.measurements}
    alike = [
        one
        for one in runs
        if one.started < run.started
        and one.surroundings.machine == run.surroundings.machine
        and models & {measurement.model for measurement in one.measurements}
    ]
    return max(alike, key=lambda one: one.started, default=None)


def compare_with_former(run: Run, runs: Sequence[Run]) -> list[Comparison]:
    """Against the former run, with the noise between the runs before it in the same surroundings."""
    before = former(run, runs)
    if before is None:
        return []
    same = [one for one in runs if one.started <= before.started and one.surroundings == before.surroundings]
    return compare(before.measurements, run.measurements, earlier=[one.measurements for one in same])
