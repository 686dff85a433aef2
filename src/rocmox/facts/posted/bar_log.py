"""What a kernel log says of a card's memory and registers while amdgpu starts (amdgpu_device_resize_fb_bar, gmc)."""

from __future__ import annotations

import dataclasses
import re

from rocmox.errors import CannotLookError

_ADDRESS = r"(?P<address>[0-9a-f]{4,8}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7])"
_DETECTED = re.compile(r"Detected VRAM RAM=(?P<ram>\d{1,9})M, BAR=(?P<bar>\d{1,9})M")
_BAR = re.compile(
    _ADDRESS + r": BAR (?P<number>\d)(?: \[mem (?P<start>0x[0-9a-f]{1,16})-(?P<end>0x[0-9a-f]{1,16})[^\]]*\]"
    r"| \[mem size 0x[0-9a-f]{1,16}[^\]]*\])?:? "
    r"(?P<what>releasing|assigned|failed to assign|can't assign; no space|no space for|reserved)",
)
_NO_ROOM = "Not enough PCI address space for a large BAR"


@dataclasses.dataclass(frozen=True, kw_only=True)
class BarEvent:
    """One line about a register; `size_bytes` is None where the line gives no addresses."""

    address: str
    number: int
    what: str
    size_bytes: int | None


@dataclasses.dataclass(frozen=True, kw_only=True)
class BarLog:
    """Sizes in MiB by the driver's own line, in the order of the log; `lacked_room` is its complaint."""

    detected_mib: tuple[tuple[int, int], ...]
    events: tuple[BarEvent, ...]
    lacked_room: bool


def parse_bar_log(text: str) -> BarLog:
    """CannotLookError when no line is about memory or registers."""
    events = [
        BarEvent(
            address=match["address"],
            number=int(match["number"]),
            what=match["what"],
            size_bytes=int(match["end"], 16) - int(match["start"], 16) + 1 if match["start"] else None,
        )
        for match in _BAR.finditer(text)
    ]
    log = BarLog(
        detected_mib=tuple((int(match["ram"]), int(match["bar"])) for match in _DETECTED.finditer(text)),
        events=tuple(events),
        lacked_room=_NO_ROOM in text,
    )
    if not (log.detected_mib or log.events or log.lacked_room):
        raise CannotLookError("no line about VRAM or a BAR")
    return log
