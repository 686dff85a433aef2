"""Two runs side by side: what became slower or faster by more than the noise of either."""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Sequence
from typing import Literal

from rocmox.bench.chance import reach
from rocmox.bench.measurement import Measurement

Change = Literal["slower", "faster", "same", "too noisy", "not comparable"]

SMALLEST_CHANGE = 0.03
"""Smaller changes are nobody's concern, however sure."""
_CHANCE = 0.01
"""How often noise alone may make any figure of a comparison look changed."""
NOISY = 0.10
"""Noise that hides a change of this size makes a comparison worthless."""
_ASSUMED_SPREAD = 0.02
"""Relative standard deviation of a figure without repetitions, and then what it must exceed in standard errors."""
_ASSUMED_REACH = 3.5
_BORROWED = 4
"""Degrees of freedom that the noise of all figures together lends to each of them."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Comparison:
    """`change` of `after` against `before`; `ratio` is after over before, `threshold` what noise explains of its log.

    A threshold of 0.05 is about 5 % either way; one of 1.1 lets noise explain a third or three times the speed.
    """

    before: Measurement
    after: Measurement
    ratio: float
    threshold: float
    change: Change


@dataclasses.dataclass(frozen=True, kw_only=True)
class Noise:
    """What a comparison knows beyond two figures. Variances are relative, `between` is that of whole runs.

    `typical` is the variance of this machine's repetitions: a few of them tell their own badly, so each figure borrows
    from it, as a moderated t-test does (Smyth 2004).
    """

    chance: float = _CHANCE
    typical: float | None = None
    between: float = 0.0
    between_degrees: int = 0


def compare(
    before: Sequence[Measurement], after: Sequence[Measurement], *, earlier: Sequence[Sequence[Measurement]] = ()
) -> list[Comparison]:
    """Everything that both measured under the same settings, in the order of `after`.

    `earlier` are the measurements of runs in the surroundings of `before`: how far they lie from each other is noise
    that no repetition within a run shows.
    """
    known = {measurement.key: measurement for measurement in before}
    pairs = [(known[one.key], one) for one in after if one.key in known]
    spreads = [_variance(one.samples) for pair in pairs for one in pair if len(one.samples) > 1]
    between, degrees = _between([old for old, _ in pairs], earlier)
    noise = Noise(
        chance=_CHANCE / max(len(pairs), 1),
        typical=statistics.median(spreads) if spreads else None,
        between=between,
        between_degrees=degrees,
    )
    return [compare_one(old, new, noise) for old, new in pairs]


def compare_one(before: Measurement, after: Measurement, noise: Noise | None = None) -> Comparison:
    """One pair."""
    noise = noise or Noise()
    ratio = after.tokens_per_second / before.tokens_per_second
    apart = math.sqrt(2 * noise.between) * reach(noise.chance, noise.between_degrees) if noise.between_degrees else 0.0
    threshold = max(SMALLEST_CHANGE, _within(before, after, noise), apart)
    return Comparison(
        before=before, after=after, ratio=ratio, threshold=threshold, change=_classify(math.log(ratio), threshold)
    )


def _classify(change: float, threshold: float) -> Change:
    """By the logarithm of the ratio: noise is a factor, and a speed can lose no more than all of itself."""
    if abs(change) > threshold:
        return "slower" if change < 0 else "faster"
    return "too noisy" if threshold > NOISY else "same"


def _between(figures: Sequence[Measurement], earlier: Sequence[Sequence[Measurement]]) -> tuple[float, int]:
    """Relative variance from run to run, over all figures together, and its degrees of freedom."""
    known = [{one.key: one.tokens_per_second for one in run} for run in earlier]
    sets = [speeds for one in figures if len(speeds := [run[one.key] for run in known if one.key in run]) > 1]
    degrees = sum(len(speeds) - 1 for speeds in sets)
    squares = sum(_variance(speeds) * (len(speeds) - 1) for speeds in sets)
    return (squares / degrees, degrees) if degrees else (0.0, 0)


def _within(before: Measurement, after: Measurement, noise: Noise) -> float:
    """What the repetitions of both leave open."""
    sides = [one.samples for one in (before, after)]
    if min(map(len, sides)) < 2:  # noqa: PLR2004 - one sample has no spread
        return _ASSUMED_REACH * math.hypot(*(_spread(side) or _ASSUMED_SPREAD for side in sides))
    degrees = sum(len(side) - 1 for side in sides)
    variance = sum(_variance(side) * (len(side) - 1) for side in sides) / degrees
    if noise.typical is not None:
        variance = (variance * degrees + noise.typical * _BORROWED) / (degrees + _BORROWED)
        degrees += _BORROWED
    return reach(noise.chance, degrees) * math.sqrt(variance * sum(1 / len(side) for side in sides))


def _variance(samples: Sequence[float]) -> float:
    mean = math.fsum(samples) / len(samples)
    return math.fsum((one / mean - 1) ** 2 for one in samples) / (len(samples) - 1)


def _spread(samples: Sequence[float]) -> float:
    """Relative standard deviation; 0 for a single sample."""
    return math.sqrt(_variance(samples)) if len(samples) > 1 else 0.0
