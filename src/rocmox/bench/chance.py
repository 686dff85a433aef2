"""How far chance alone reaches: quantiles of Student's t, for the few samples that a bench has."""

from __future__ import annotations

import functools
import math

_FAR = 1e4
_STEPS = 60


def probability_beyond(t: float, degrees: int) -> float:
    """How often chance alone leaves ±t. Finite sums for whole degrees of freedom (Abramowitz and Stegun, 26.7.3, 4)."""
    angle = math.atan2(abs(t), math.sqrt(degrees))
    cosine, sine = math.cos(angle), math.sin(angle)
    odd = degrees % 2
    term, total = (cosine, cosine if degrees > 1 else 0.0) if odd else (1.0, 1.0)
    for power in range(3 if odd else 2, degrees, 2):
        term *= cosine * cosine * (power - 1) / power
        total += term
    within = 2 / math.pi * (angle + sine * total) if odd else sine * total
    return max(1 - within, 0.0)


@functools.cache
def reach(chance: float, degrees: int) -> float:
    """The t that chance leaves, to either side, in the share `chance` of all cases."""
    near, far = 0.0, _FAR
    for _ in range(_STEPS):
        middle = (near + far) / 2
        if probability_beyond(middle, degrees) > chance:
            near = middle
        else:
            far = middle
    return far
