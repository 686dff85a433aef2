"""What stands before a kernel's message: stamps, host, priority, quotation marks, colours.

Forms: dmesg (plain, -T, -x, -d, caller ids), journalctl (short, short-iso, short-precise, short-full, export),
rsyslog (traditional, RFC 5424), /dev/kmsg and netconsole (`6,416,1799219,-;`), serial consoles (`<6>`), Talos, quotes.
"""

from __future__ import annotations

import dataclasses
import re

from rocmox.facts.kernel_log.stamp import Stamp, boot_stamp, parse_date

_COLOUR = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
_QUOTE = re.compile(r"[\s>|│`*\ufeff]+")
_MOST_PIECES = 12
_KERNEL_TAG = "kernel"
# Words that stand before a colon in kernel messages and are no program of a syslog line.
_KERNEL_WORDS = frozenset({"amdgpu", "kfd", "kernel", "pci", "pcieport", "drm", "vfio-pci", "AER", "iommu", "AMD-Vi"})

_KMSG = re.compile(r"(?P<priority>\d{1,4}),\d+,(?P<micro>\d+),[-c+][^;]{0,80};")
_PRIORITY = re.compile(r"<\d{1,3}>(?:1(?=\s))?\s*")
_DECODED = re.compile(r"(?:kern|user|daemon|syslog)\s*:\s*(?:emerg|alert|crit|err|warn|notice|info|debug)\s*:\s*")
_EXPORT = re.compile(r"MESSAGE=")
_BOOT = re.compile(r"\[?\s*(?P<seconds>\d{1,9}\.\d{1,9})(?:\s*<\s*[\d.]*\s*>)?(?:,?\s*[TC]?\d+)?\s*\]:?\s*")
_CALLER = re.compile(r"\[\s*[TCt]\s?[\d.<>]*\s*\]:?\s*")
# `dmesg -H` and `-e`: a minute, then seconds since the line before, which only all lines together would date.
_SINCE_LINE = re.compile(r"\[\s*\+\d{1,9}[.,]\d{1,9}\s*\]\s*|\[[^\W\d_]{2,9}\.?\s?\d{1,2} \d{2}:\d{2}\]\s*")
_BRACKET = re.compile(r"\[(?P<inside>[^\[\]]{3,60})\]:?\s*")
_WEEKDAY = re.compile(r"(?:[^\W\d_]{2,4}\.?,?\s+)?")
_DATE = re.compile(
    r"(?P<date>\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(?:[.,]\d{1,9})?(?:\s?(?:Z|UTC|CES?T|[+-]\d{2}:?\d{2}))?"
    r"|[^\W\d_]{2,9}\.?\s+\d{1,2}\s+(?:\d{4}\s+)?\d{2}:\d{2}:\d{2}(?:[.,]\d{1,9})?(?:\s+\d{4})?"
    r"|\d{1,2}月\s+\d{1,2}\s+\d{2}:\d{2}:\d{2}(?:[.,]\d{1,9})?"
    r"|\d{1,2}\.?\s+[^\W\d_]{2,9}\.?\s+(?:\d{4}\s+)?\d{2}:\d{2}:\d{2}(?:[.,]\d{1,9})?)[\s:]\s*"
)
_TIME = re.compile(r"(?P<date>\d{1,2}:\d{2}:\d{2}(?:[.,]\d{1,9})?)\s+")
_HOST_AND_TAG = re.compile(r"(?P<host>[^\s:\[\]]*)\s+(?P<tag>[^\s:\[\]]{1,64})(?:\[\d+\])?:\s*")
_TAG = re.compile(r"kernel(?:\[\d+\])?:\s*")
_RFC5424 = re.compile(r"(?P<host>\S+)\s+(?P<tag>\S+)\s+\S+\s+\S+\s+(?:-|\[[^\]]*\])\s+(?:\ufeff)?")


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Prefix:
    """`message` is what the kernel wrote; `is_kernel` is False when a program of the machine wrote it."""

    message: str
    stamp: Stamp | None
    is_kernel: bool
    is_prefixed: bool


def strip_prefix(raw: str) -> Prefix:
    """Takes pieces off the line's beginning until none is left that tools write there."""
    text = _COLOUR.sub("", raw) if "\x1b" in raw else raw
    state = _State(text)
    for _ in range(_MOST_PIECES):
        if not state.step():
            break
    return Prefix(message=state.rest, stamp=state.stamp, is_kernel=state.is_kernel, is_prefixed=state.stripped)


class _State:
    """The rest of a line and what its beginning said."""

    def __init__(self, text: str) -> None:
        self.rest = text
        self._uptime: Stamp | None = None
        self._bracketed: Stamp | None = None
        self._dated = ""
        self.is_kernel = True
        self.stripped = False
        self._has_priority = False

    @property
    def stamp(self) -> Stamp | None:
        """Seconds since boot where they stand, else the date: it takes longer to read and says less."""
        return self._uptime or self._bracketed or (parse_date(self._dated) if self._dated else None)

    def step(self) -> bool:
        """Takes one piece off; False when nothing known stands there."""
        if match := _QUOTE.match(self.rest):
            return self._take(match, is_mark=False)
        if match := _PRIORITY.match(self.rest):
            self._has_priority = True
            return self._take(match)
        for form in (_DECODED, _EXPORT, _TAG, _CALLER, _SINCE_LINE):
            if match := form.match(self.rest):
                return self._take(match)
        return self._since_boot() or self._bracket() or self._date()

    def _take(self, match: re.Match[str], *, is_mark: bool = True) -> bool:
        self.stripped |= is_mark
        self.rest = self.rest[match.end() :]
        return match.end() > 0

    def _since_boot(self) -> bool:
        if match := _KMSG.match(self.rest):
            self._uptime = boot_stamp(match[0], str(int(match["micro"]) / 1e6))
            return self._take(match)
        if match := _BOOT.match(self.rest):
            self._uptime = boot_stamp(match["seconds"], match["seconds"])
            return self._take(match)
        return False

    def _bracket(self) -> bool:
        match = _BRACKET.match(self.rest)
        date = parse_date(match["inside"]) if match else None
        if match is None or date is None:
            return False
        self._bracketed = self._bracketed or date
        return self._take(match)

    def _date(self) -> bool:
        if self._dated:
            return False
        weekday = _WEEKDAY.match(self.rest)
        start = weekday.end() if weekday else 0
        match = _DATE.match(self.rest) or _DATE.match(self.rest, start)
        if match is None:
            match = _TIME.match(self.rest)
            self._dated = match["date"] if match else ""
            return self._take(match) if match else False
        self._dated = match["date"]
        self._take(match)
        self._host_and_tag()
        return True

    def _host_and_tag(self) -> None:
        """The program's name after a syslog date; a kernel's message may stand there without one."""
        match = (_RFC5424 if self._has_priority else _HOST_AND_TAG).match(self.rest)
        if match is None:
            match = _HOST_AND_TAG.match(self.rest)
        if match is None or (match["tag"] in _KERNEL_WORDS and match["tag"] != _KERNEL_TAG):
            return
        if match["host"] in _KERNEL_WORDS:
            return
        self.is_kernel = match["tag"] == _KERNEL_TAG
        self._take(match)
