"""When a kernel message was written, in the many spellings that tools give it.

`dmesg` counts seconds since boot; `dmesg -T`, journald and syslog write a date, some without a year, some with the
names of the reader's language; people who shorten a log leave the time of day.
"""

from __future__ import annotations

import calendar
import dataclasses
import enum
import re

_DAY_SECONDS = 86400
_MONTHS = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), start=1
    )
}
_TIME = r"(?P<hour>\d{1,2}):(?P<minute>\d{2}):(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?"
_ZONE = r"(?:\s?(?:Z|UTC|[+-]\d{2}:?\d{2}))?"
_ISO = re.compile(rf"(?P<year>\d{{4}})-(?P<month>\d{{2}})-(?P<day>\d{{2}})[T ]{_TIME}{_ZONE}")
# `Sep 26`, `26. Sep`, `zář  9`, `9月 9`: one word and one number around each other.
_NAME = r"(?P<name>[^\W\d_]{2,9}|\d{1,2}(?=月))"
_NAMED = re.compile(
    rf"{_NAME}[.月]?\s+(?P<day>\d{{1,2}})[.,日]?\s+(?:(?P<early>\d{{4}}),?\s+)?{_TIME}(?:\s+(?P<late>\d{{4}}))?"
)
_DAY_FIRST = re.compile(rf"(?P<day>\d{{1,2}})\.?\s+{_NAME}[.,]?\s+(?:(?P<early>\d{{4}}),?\s+)?{_TIME}")
_TIME_ALONE = re.compile(_TIME)


class Clock(enum.Enum):
    """What a stamp counts from; stamps of different clocks cannot be compared."""

    BOOT = "boot"
    WALL = "wall"
    DAY = "day"


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Stamp:
    """`text` as it stood there; `seconds` since boot, since 1970 (without a year: since 1972) or since midnight."""

    text: str
    seconds: float
    clock: Clock


def boot_stamp(text: str, seconds: str) -> Stamp:
    """`[  123.456789]`."""
    return Stamp(text=text, seconds=float(seconds), clock=Clock.BOOT)


def epoch_stamp(microseconds: int) -> Stamp:
    """Journald's `__REALTIME_TIMESTAMP`."""
    return Stamp(text=str(microseconds), seconds=microseconds / 1e6, clock=Clock.WALL)


def parse_date(text: str) -> Stamp | None:
    """A date, or a time of day alone, anywhere in the text; None when there is none."""
    if match := _ISO.search(text):
        return _wall(match, int(match["year"]), int(match["month"]))
    if match := _NAMED.search(text) or _DAY_FIRST.search(text):
        groups = match.groupdict()
        year = int(groups.get("early") or groups.get("late") or 1972)
        name = match["name"]
        return _wall(match, year, int(name) if name.isdigit() else _MONTHS.get(name[:3].lower(), 1))
    if match := _TIME_ALONE.search(text):
        return Stamp(text=match[0], seconds=_second_of_day(match), clock=Clock.DAY)
    return None


def _wall(match: re.Match[str], year: int, month: int) -> Stamp | None:
    try:
        days = calendar.timegm((year, month, int(match["day"]), 0, 0, 0)) // _DAY_SECONDS
    except (ValueError, OverflowError):
        return None
    return Stamp(text=match[0].strip(), seconds=days * _DAY_SECONDS + _second_of_day(match), clock=Clock.WALL)


def _second_of_day(match: re.Match[str]) -> float:
    fraction = float(f"0.{match['fraction']}") if match["fraction"] else 0.0
    return int(match["hour"]) * 3600 + int(match["minute"]) * 60 + int(match["second"]) + fraction
