"""The order in which variants meet: axis by axis around the best so far, until a whole turn changes nothing."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Sequence
from typing import Any

from rocmox.engines.llamacpp.tune.contest import Verdict
from rocmox.engines.llamacpp.tune.variant import Variant


@dataclasses.dataclass(frozen=True, kw_only=True)
class Axis:
    """What may be changed: each of `values` replaces fields of a variant. `reason` says why there are none."""

    name: str
    values: tuple[dict[str, Any], ...] = ()
    reason: str = ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Meeting:
    """One contest and its end; `verdict` None when time ran out before it."""

    incumbent: Variant
    challenger: Variant
    verdict: Verdict | None


Contest = Callable[[Variant, Variant], Verdict | None]


def descend(start: Variant, axes: Sequence[Axis], contest: Contest) -> tuple[Variant, list[Meeting]]:
    """The best variant and every meeting on the way; ends when a contest answers None."""
    best, meetings = start, list[Meeting]()
    beaten: set[Variant] = set()
    quiet = 0
    varied = [axis for axis in axes if axis.values]
    for axis in itertools.cycle(varied):
        if quiet >= len(varied):
            break
        quiet += 1
        for value in axis.values:
            challenger = dataclasses.replace(best, **value)
            if challenger == best or challenger in beaten:
                continue
            meeting = Meeting(incumbent=best, challenger=challenger, verdict=contest(best, challenger))
            meetings.append(meeting)
            if meeting.verdict is None:
                return best, meetings
            beaten.add(challenger)
            if meeting.verdict.word == "faster":
                beaten.add(best)
                best, quiet = challenger, 1
    return best, meetings


def together(axes: Sequence[Axis]) -> list[Axis]:
    """All axes with values as one, of every combination; those without stay for their reasons."""
    combinations = itertools.product(*(axis.values for axis in axes if axis.values))
    merged = [{name: value for values in some for name, value in values.items()} for some in combinations]
    whole = [Axis(name="every combination", values=tuple(merged))] if any(merged) else []
    return [*whole, *(axis for axis in axes if not axis.values)]
