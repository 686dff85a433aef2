"""Disk sizes in PVE's notation (PVE::JSONSchema's parse_size and format_size): `512M`, `4G`, `0T`."""

from __future__ import annotations

import re

_SIZE = re.compile(r"^(\d+(?:\.\d+)?)([KMGT])?$")
_FACTORS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


def parse(text: str) -> int | None:
    """Bytes, None when it is not a size."""
    match = _SIZE.match(text)
    if match is None:
        return None
    return int(float(match[1]) * _FACTORS.get(match[2] or "", 1))


def show(size_bytes: int) -> str:
    """The largest unit that divides it."""
    number, shown = size_bytes, str(size_bytes)
    for unit in "KMGT":
        if number % 1024:
            return shown
        number //= 1024
        shown = f"{number}{unit}"
    return shown


def from_gibibytes(text: str) -> int:
    """The size of `STORAGE:SIZE`: whole MiB, as PVE::LXC's create_disks cuts it."""
    return int(float(text) * 1024) << 20
