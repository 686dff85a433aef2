"""One message that a rule knows, and when and to whom it happened."""

from __future__ import annotations

import dataclasses
import enum

from rocmox.facts.kernel_log import Clock, Stamp

HOST = "host"
_HALF_YEAR_SECONDS = 183 * 86400
_LEAP_YEAR_SECONDS = 366 * 86400
_HALF_DAY_SECONDS = 43200
# Lines without stamps count as simultaneous when they stand this close together.
_NEAR_BYTES = 32 << 10


class Severity(enum.IntEnum):
    """ATTR belongs to another event and says nothing alone; INFO is known and harmless."""

    ATTR = 0
    INFO = 1
    WARN = 2
    FAIL = 3
    CRIT = 4

    @property
    def label(self) -> str:
        """As it stands in JSON."""
        return self.name.lower()


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Moment:
    """Where in the log: which boot, which stamp, which byte."""

    boot: int
    stamp: Stamp | None
    offset_bytes: int

    def seconds_until(self, later: Moment) -> float | None:
        """None between boots, between clocks, and between lines without stamps that stand far apart."""
        if self.boot != later.boot:
            return None
        if self.stamp is None or later.stamp is None or self.stamp.clock != later.stamp.clock:
            return 0.0 if abs(later.offset_bytes - self.offset_bytes) <= _NEAR_BYTES else None
        gap = later.stamp.seconds - self.stamp.seconds
        if self.stamp.clock is Clock.DAY and gap < -_HALF_DAY_SECONDS:
            return gap + 2 * _HALF_DAY_SECONDS
        if self.stamp.clock is Clock.WALL and gap < -_HALF_YEAR_SECONDS:
            return gap + _LEAP_YEAR_SECONDS
        return gap

    def is_within(self, seconds: float, of: Moment) -> bool:
        """Whether both happened within `seconds`, whichever came first in the file."""
        gap = self.seconds_until(of)
        return gap is not None and abs(gap) <= seconds


@dataclasses.dataclass(kw_only=True, slots=True)
class Event:
    """`subject` is a PCI address or `host`; `count` messages of the same kind are folded into the first."""

    code: str
    severity: Severity
    subject: str
    moment: Moment
    line: str
    detail: str = ""
    count: int = 1
    last: Moment | None = None

    @property
    def time(self) -> str | None:
        """As it stood in the log."""
        return self.moment.stamp.text if self.moment.stamp else None

    @property
    def last_moment(self) -> Moment:
        """When it was seen last."""
        return self.last or self.moment
