"""Two runs side by side: what became slower or faster by more than the noise of either."""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Sequence
from typing import Literal

from rocmox.bench.chance import reach
from rocmox.bench.measurement import Measurement

Change = Literal["slower", "faster", "same", "too noisy"]

SMALLEST_CHANGE = 0.03
"""Smaller changes are nobody's concern, however sure."""
_CHANCE = 0.01
"""How often noise alone may make any figure of a comparison look changed."""
NOISY = 0.10
"""Noise that hides a change of this size makes a comparison worthless."""
_ASSUMED_SPREAD = 0.02
"""Relative standard deviation of a figure without repetitions, and then what it must exceed in standard errors."""
_ASSUMED_REACH = 3.5


@dataclasses.dataclass(frozen=True, kw_only=True)
class Comparison:
    """`change` of `after` against `before`; `ratio` is after over before, `threshold` what noise may explain."""

    before: Measurement
    after: Measurement
    ratio: float
    threshold: float
    change: Change


def compare(
    before: Sequence[Measurement], after: Sequence[Measurement], *, earlier: Sequence[Sequence[Measurement]] = ()
) -> list[Comparison]:
    """Everything that both measured under the same settings, in the order of `after`.

    `earlier` are the measurements of runs before those, in the same surroundings: how far they lie from each other is
    noise that no repetition within a run shows.
    """
    known = {measurement.key: measurement for measurement in before}
    pairs = [(known[one.key], one) for one in after if one.key in known]
    chance = _CHANCE / max(len(pairs), 1)
    return [compare_one(old, new, chance=chance, between=_between(old, earlier)) for old, new in pairs]


def compare_one(
    before: Measurement, after: Measurement, *, chance: float = _CHANCE, between: Sequence[float] = ()
) -> Comparison:
    """One pair; `between` holds the figures of several runs in which nothing changed."""
    ratio = after.tokens_per_second / before.tokens_per_second
    within = _within(before, after, chance)
    apart = _spread(between) * math.sqrt(2) * reach(chance, len(between) - 1) if len(between) > 2 else 0.0  # noqa: PLR2004 - two figures show no spread
    threshold = max(SMALLEST_CHANGE, within, apart)
    return Comparison(
        before=before, after=after, ratio=ratio, threshold=threshold, change=_classify(ratio - 1, threshold)
    )


def _classify(change: float, threshold: float) -> Change:
    if abs(change) > threshold:
        return "slower" if change < 0 else "faster"
    return "too noisy" if threshold > NOISY else "same"


def _between(one: Measurement, earlier: Sequence[Sequence[Measurement]]) -> list[float]:
    return [found.tokens_per_second for run in earlier for found in run if found.key == one.key]


def _within(before: Measurement, after: Measurement, chance: float) -> float:
    """What the repetitions of both leave open, by Welch's t-test."""
    sides = [one.samples for one in (before, after)]
    if min(map(len, sides)) < 2:  # noqa: PLR2004 - one sample has no spread
        return _ASSUMED_REACH * math.hypot(*(_spread(side) or _ASSUMED_SPREAD for side in sides))
    squares = [_spread(side) ** 2 / len(side) for side in sides]
    if not any(squares):
        return 0.0
    degrees = sum(squares) ** 2 / sum(square**2 / (len(side) - 1) for square, side in zip(squares, sides, strict=True))
    return reach(chance, max(int(degrees), 1)) * math.sqrt(sum(squares))


def _spread(samples: Sequence[float]) -> float:
    """Relative standard deviation; 0 for a single sample."""
    return statistics.stdev(samples) / statistics.mean(samples) if len(samples) > 1 else 0.0
