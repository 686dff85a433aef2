"""Lets the ordinary chatter of a healthy card pass by: most lines of amdgpu need no second look."""

from __future__ import annotations

import re

from rocmox.health.kernel_log.rules import BUS_BOOK, GPU_BOOK

LITERALS = (b"amdgpu", b"kfd kfd: ")
_ADDRESS = rb"[0-9a-f]{4,8}:[0-9a-f]{2}:[0-1][0-9a-f]\.[0-7]"
_SIGNED = re.compile(
    rb"(?:kfd kfd: )?(?:amdgpu (?P<address>"
    + _ADDRESS
    + rb"): ?|amdgpu: ?)*[ \t]*(?:\[drm\][ \t]*)?(?:\*ERROR\*[ \t]*)?"
)
_MARK = re.compile(rb"amdgpu [0-9a-f]{4,8}:|amdgpu: |\[amdgpu\]\]|kfd kfd: ")
_KNOWN = re.compile(b"|".join(book.expression.encode() for book in (GPU_BOOK, BUS_BOOK)))


class Gate:
    """Opens for what a rule knows, for what it cannot judge itself, and for the first line of every card.

    `attentive` lets every line with an address through: somebody waits for one. `passed` is the last one held back.
    """

    def __init__(self) -> None:
        self.attentive = False
        self.passed: bytes | None = None
        self._addresses: set[bytes] = set()

    def __call__(self, data: bytes, start: int, stop: int, place: int) -> bool:
        signed = _SIGNED.match(data, place, stop)
        if signed is None or signed.end() == place:
            return _MARK.search(data, place, stop) is not None
        address = signed["address"]
        if _KNOWN.match(data, signed.end(), stop) or _may_go_on(data, start, stop):
            return True
        if address is None:
            return False
        if self.attentive or address not in self._addresses:
            self._addresses.add(address)
            return True
        self.passed = data[start:stop]
        return False


def _may_go_on(data: bytes, start: int, stop: int) -> bool:
    """Whether the next line begins unlike this one, as the rest of a wrapped line does."""
    return data[start : start + 1] != data[stop + 1 : stop + 2] and stop + 1 < len(data)
