"""Which earlier run a run is held against, and which ones show how much runs differ when nothing changed."""

from __future__ import annotations

from collections.abc import Sequence

from rocmox.bench.compare import Comparison, compare
from rocmox.bench.store import Run


def before(run: Run, runs: Sequence[Run]) -> list[Run]:
    """The runs of the same machine with one of the same models that began before it, oldest first."""
    models = {one.model for one in run.measurements}
    alike = [
        one
        for one in runs
        if one.started < run.started
        and one.surroundings.machine == run.surroundings.machine
        and models & {measurement.model for measurement in one.measurements}
    ]
    return sorted(alike, key=lambda one: one.started)


def compare_with_former(run: Run, earlier: Sequence[Run]) -> list[Comparison]:
    """Against the last of `earlier`, with the noise between those of them that had its surroundings."""
    if not earlier:
        return []
    former = earlier[-1]
    same = [one.measurements for one in earlier if one.surroundings == former.surroundings]
    return compare(former.measurements, run.measurements, earlier=same)
