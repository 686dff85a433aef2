"""A/B/A: whether one variant is faster than another, from visits to both in turn.

A machine is faster in one hour than in the next (temperature, other guests), so the two take turns and the visit is the
sample, not the repetition within it: what changes from visit to visit is the noise that counts.
"""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Sequence
from typing import Literal

from rocmox.bench.chance import reach
from rocmox.bench.compare import NOISY, SMALLEST_CHANGE
from rocmox.errors import CannotLookError


class VariantFailedError(CannotLookError):
    """A variant cannot be built or gives no figures, on a machine that answers."""


Word = Literal["faster", "no difference", "not faster", "slower", "too noisy", "failed"]

_CHANCE = 0.003
"""How often noise alone may pass for a gain, at each look; with four rounds, one contest in a hundred."""
_FIRST_LOOK = 3
"""Visits of A, B and A: enough to let go what is no faster, never enough to keep it."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Verdict:
    """Of B against A: `gain` 0.1 is 10 % more work in the same time, `noise` what chance may explain of it.

    `not faster` was let go before there was enough to tell slower from no difference; `noise` is None after three
    visits. `failed` has the reason and no figures.
    """

    word: Word
    gain: float | None = None
    noise: float | None = None
    reason: str = ""


def judge(seconds: Sequence[float], *, rounds: int) -> Verdict | None:
    """The verdict from the times of visits to A, B, A, B, A …; None when another visit has to tell.

    At most `rounds` visits to B, of which one is enough to let B go and two are the least to keep it.
    """
    first, second = seconds[0::2], seconds[1::2]
    if len(seconds) < _FIRST_LOOK or len(first) == len(second):
        return None
    gain = statistics.mean(first) / statistics.mean(second) - 1
    noise = _noise(first, second) if len(second) > 1 else None
    if gain <= SMALLEST_CHANGE / 2:
        slower = noise is not None and -gain > max(SMALLEST_CHANGE, noise)
        return Verdict(word="slower" if slower else "not faster", gain=gain, noise=noise)
    if noise is not None and gain > max(SMALLEST_CHANGE, noise):
        return Verdict(word="faster", gain=gain, noise=noise)
    if noise is None or len(second) < rounds:
        return None
    return Verdict(word="too noisy" if noise > NOISY else "no difference", gain=gain, noise=noise)


def _noise(first: Sequence[float], second: Sequence[float]) -> float:
    """What chance may explain, as a share; both sides are taken to be equally noisy."""
    squares = sum((one / statistics.mean(side) - 1) ** 2 for side in (first, second) for one in side)
    degrees = len(first) + len(second) - 2
    return reach(2 * _CHANCE, degrees) * math.sqrt(squares / degrees * (1 / len(first) + 1 / len(second)))
