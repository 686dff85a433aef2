"""How much is copied at which level."""

from __future__ import annotations

import dataclasses
from typing import Any

from rocmox.health.context import LONG

_KIB, _MIB = 1 << 10, 1 << 20


@dataclasses.dataclass(frozen=True, kw_only=True)
class CopyPlan:
    """Sizes from small to large; `rows_bytes` is the largest copy in rows (a row split's parts are smaller)."""

    sizes: tuple[int, ...]
    rows_bytes: int
    repeats: int
    limit_seconds: float
    crowd_bytes: int | None

    def question(self, source: int, destination: int) -> dict[str, Any]:
        """What the probe is asked for one pair."""
        return {
            "job": "pair",
            "source": source,
            "destination": destination,
            "sizes": self.sizes,
            "rows_bytes": self.rows_bytes,
            "repeats": self.repeats,
        }


_SHORT = CopyPlan(
    sizes=(64 * _KIB, 4 * _MIB, 16 * _MIB, 256 * _MIB),
    rows_bytes=16 * _MIB,
    repeats=1,
    limit_seconds=20,
    crowd_bytes=None,
)
_LONG = CopyPlan(
    sizes=(4 * _KIB, 64 * _KIB, _MIB, 4 * _MIB, 16 * _MIB, 64 * _MIB, 256 * _MIB),
    rows_bytes=64 * _MIB,
    repeats=2,
    limit_seconds=90,
    crowd_bytes=32 * _MIB,
)


def plan_for(level: int, limit_seconds: float | None = None) -> CopyPlan:
    """Level 2: seconds for a pair. Level 3: every size, twice, and then many pairs at once."""
    plan = _LONG if level >= LONG else _SHORT
    return plan if limit_seconds is None else dataclasses.replace(plan, limit_seconds=limit_seconds)
