"""Which earlier run a run is held against, and which ones show how much runs differ when nothing changed."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from rocmox.bench.compare import Comparison, compare
from rocmox.bench.store import Run


@dataclasses.dataclass(frozen=True, kw_only=True)
class Former:
    """An earlier run and what changed since. `differences` of the machine make the two not comparable."""

    run: Run
    comparisons: tuple[Comparison, ...]
    differences: tuple[str, ...] = ()


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


def compare_with_former(run: Run, earlier: Sequence[Run]) -> Former | None:
    """Against the last of `earlier` in the same surroundings, with the noise between all of those.

    Without one the last of all stands beside it, and nothing is said about slower or faster: it was another machine.
    """
    if not earlier:
        return None
    same = [one for one in earlier if one.surroundings == run.surroundings]
    if same:
        pairs = compare(same[-1].measurements, run.measurements, earlier=[one.measurements for one in same])
        return Former(run=same[-1], comparisons=tuple(pairs))
    former = earlier[-1]
    pairs = compare(former.measurements, run.measurements)
    return Former(
        run=former,
        comparisons=tuple(dataclasses.replace(pair, change="not comparable") for pair in pairs),
        differences=tuple(former.surroundings.differences(run.surroundings)),
    )
