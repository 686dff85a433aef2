"""Where one boot ends and the next begins in a text that holds several."""

from __future__ import annotations

import re

from rocmox.facts.kernel_log import Clock, LogLine

_MARK = re.compile(r"Linux version \d|-- (?:Boot \w|Reboot --)")
# Lines are printed out of order by some seconds; people paste an earlier part after a later one.
_REBOOT_SECONDS = 300.0
_YOUNG_SECONDS = 60.0
_DISORDER_SECONDS = 10.0


class BootWatch:
    """Knows a new boot by its first message, by journald's mark or id, and by a clock that starts again."""

    def __init__(self) -> None:
        self._id: str | None = None
        self._uptime_seconds: float | None = None

    def begins(self, line: LogLine) -> bool:
        """Whether this line belongs to another boot than the one before it."""
        has_mark = bool(_MARK.match(line.words) or _MARK.match(line.raw))
        has_other_id = bool(line.boot) and self._id not in {None, line.boot}
        self._id = line.boot or self._id
        return self._restarts(line) or has_mark or has_other_id

    def _restarts(self, line: LogLine) -> bool:
        if line.stamp is None or line.stamp.clock is not Clock.BOOT:
            return False
        before, self._uptime_seconds = self._uptime_seconds, line.stamp.seconds
        if before is None:
            return False
        back = before - line.stamp.seconds
        return back > _REBOOT_SECONDS or (back > _DISORDER_SECONDS and line.stamp.seconds < _YOUNG_SECONDS)
