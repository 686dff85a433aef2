"""Two runs side by side: what became slower or faster by more than the noise of either."""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Sequence
from typing import Literal

from rocmox.bench.measurement import Measurement

Change = Literal["slower", "faster", "same", "too noisy"]

SMALLEST_CHANGE = 0.03
"""Smaller changes are nobody's concern, however sure."""
_SURE = 3.5
"""How many standard errors a change must exceed: with five repetitions each, chance does so about once in 200."""
_NOISY = 0.10
"""Noise that hides a change of this size makes a comparison worthless."""
_ASSUMED_SPREAD = 0.02
"""Relative standard deviation of a figure without repetitions (llama-batched-bench measures once)."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Comparison:
    """`change` of `after` against `before`; `ratio` is after over before, `threshold` what noise may explain."""

    before: Measurement
    after: Measurement
    ratio: float
    threshold: float
    change: Change


def compare(before: Sequence[Measurement], after: Sequence[Measurement]) -> list[Comparison]:
    """Everything that both measured under the same settings, in the order of `after`."""
    known = {measurement.key: measurement for measurement in before}
    return [compare_one(known[one.key], one) for one in after if one.key in known]


def compare_one(before: Measurement, after: Measurement) -> Comparison:
    """One pair."""
    ratio = after.tokens_per_second / before.tokens_per_second
    threshold = max(SMALLEST_CHANGE, _SURE * math.hypot(_relative_error(before), _relative_error(after)))
    return Comparison(
        before=before, after=after, ratio=ratio, threshold=threshold, change=_classify(ratio - 1, threshold)
    )


def _classify(change: float, threshold: float) -> Change:
    if abs(change) > threshold:
        return "slower" if change < 0 else "faster"
    return "too noisy" if threshold > _NOISY else "same"


def _relative_error(measurement: Measurement) -> float:
    """Standard error of the samples' mean, as a share of it."""
    samples = measurement.samples
    if len(samples) < 2:  # noqa: PLR2004 - one sample has no spread
        return _ASSUMED_SPREAD
    return statistics.stdev(samples) / statistics.mean(samples) / math.sqrt(len(samples))
