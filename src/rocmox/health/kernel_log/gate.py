"""Lets ordinary chatter pass by: most lines that hold a literal need no second look, and repeated ones none at all."""

from __future__ import annotations

import dataclasses
import functools
import re

from rocmox.facts.kernel_log import Gate as ScannerGate
from rocmox.health.kernel_log.event import Event
from rocmox.health.kernel_log.prefilter import LITERALS
from rocmox.health.kernel_log.rules import BUS_BOOK, GPU_BOOK, HOST_BOOK

_ADDRESS = rb"[0-9a-f]{4,8}:[0-9a-f]{2}:[0-1][0-9a-f]\.[0-7]"
_SIGNED = re.compile(
    rb"(?:kfd kfd: )?(?:amdgpu (?P<address>"
    + _ADDRESS
    + rb"): ?|amdgpu: ?)*[ \t]*(?:\[drm\][ \t]*)?(?:\*ERROR\*[ \t]*)?"
)
_MARK = re.compile(rb"amdgpu [0-9a-f]{4,8}:|amdgpu: |\[amdgpu\]\]|kfd kfd: ")
_SET_ASIDE = re.compile(
    rb"vfio-pci " + _ADDRESS + rb": (?:AMD_|Unable|Refused|not ready.*giving up|.*Bus Error|AER|AMD-Vi)"
)
_FOREIGN_ERRORS = (b"]] ", b"[drm] ")  # `[drm:function [other]] ` and `[drm] `
# What differs between two lines that say the same: host, stamps, and where an IOMMU refused an access.
_SYSLOG, _UPTIME = b"kernel: ", b"] "
_LONGEST_HEAD, _LONGEST_UPTIME = 90, 20
_FAULT_ADDRESS = re.compile(rb" (?:PASID \S+|address=0x|fault addr )")
_MOST_REMEMBERED = 4096


@dataclasses.dataclass(kw_only=True, slots=True)
class Repeat:
    """An event that was kept, and how often and where its very words came again."""

    event: Event
    count: int = 0
    line: bytes = b""
    offset_bytes: int = 0


class Gate:
    """Opens for what a rule knows, for what it cannot judge itself, and for the first line of every card.

    `attentive` lets every line with an address through: somebody waits for one. `passed` is the last one held back.
    """

    def __init__(self) -> None:
        self.attentive = False
        self.passed: bytes | None = None
        self.repeats: dict[bytes, Repeat] = {}
        self._addresses: set[bytes] = set()
        self._ignored: set[bytes] = set()

    @property
    def gates(self) -> dict[bytes, ScannerGate]:
        """For each literal of the prefilter."""
        own = {b"amdgpu": self._amdgpu, b"kfd kfd: ": self._amdgpu}
        return {literal: own.get(literal, self._any) for literal in LITERALS}

    def ignore(self, line: bytes) -> None:
        """The line changed nothing: its like need not come again until `forget`."""
        if len(self._ignored) < _MOST_REMEMBERED:
            self._ignored.add(_words(line))

    def repeat(self, line: bytes, event: Event) -> None:
        """The line is of this kept event: its like is only counted until `forget`."""
        if len(self.repeats) < _MOST_REMEMBERED:
            self.repeats[_words(line)] = Repeat(event=event)

    def forget(self) -> None:
        """Something new is known, so that old lines may say more now."""
        self._ignored.clear()
        self.repeats.clear()

    def _any(self, data: bytes, start: int, stop: int, place: int) -> bool:  # noqa: ARG002 - the signature is Gate's
        line = data[start:stop]
        words = _words(line)
        if words in self._ignored:
            return False
        repeat = self.repeats.get(words)
        if repeat is None:
            return True
        repeat.count += 1
        repeat.line = line
        return False

    def _amdgpu(self, data: bytes, start: int, stop: int, place: int) -> bool:
        signed = _SIGNED.match(data, place, stop)
        if signed is None or signed.end() == place:
            return _MARK.search(data, max(start, place - 1), stop) is not None
        address = signed["address"]
        if _known().match(data, signed.end(), stop) or _may_go_on(data, start, stop):
            return True
        if address is None:
            return False
        if self.attentive or address not in self._addresses:
            self._addresses.add(address)
            return True
        self.passed = data[start:stop]
        return False


@functools.cache
def _known() -> re.Pattern[bytes]:
    """What a rule for cards or the bus knows; compiled when the first line needs it."""
    return re.compile(b"|".join(book.expression.encode() for book in (GPU_BOOK, BUS_BOOK)))


@functools.cache
def _record() -> re.Pattern[bytes]:
    return re.compile(HOST_BOOK.expression.encode())


def _is_error(data: bytes, place: int) -> bool:
    """What another driver signs is not ours; our own bears our name or is `[drm:function] *ERROR*`."""
    return not data.endswith(_FOREIGN_ERRORS, max(0, place - 8), place)


def _is_record(data: bytes, place: int) -> bool:
    mark = data.rfind(b"{", max(0, place - 12), place)
    return _record().match(data, mark if mark >= 0 else place) is not None


def _is_set_aside(data: bytes, place: int) -> bool:
    return _SET_ASIDE.match(data, place) is not None


# Asked at once where the literal is found, without looking for the line around it.
SIEVES = {b"*ERROR* ": _is_error, b"[Hardware Error]: ": _is_record, b"vfio-pci 0": _is_set_aside}


def _words(line: bytes) -> bytes:
    head = line.find(_SYSLOG, 0, _LONGEST_HEAD) + len(_SYSLOG)
    head = 0 if head < len(_SYSLOG) else head
    if line[head : head + 1] == b"[":
        head = max(head, line.find(_UPTIME, head, head + _LONGEST_UPTIME))
    fault = _FAULT_ADDRESS.search(line, head)
    return line[head : fault.start()] if fault else line[head:]


def _may_go_on(data: bytes, start: int, stop: int) -> bool:
    """Whether the next line begins unlike this one, as the rest of a wrapped line does."""
    return data[start : start + 1] != data[stop + 1 : stop + 2] and stop + 1 < len(data)
