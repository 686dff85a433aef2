"""Bytes and their written form: parse and format, nothing else."""

from __future__ import annotations

import re

from rocmox.errors import UsageError

_FACTORS = {"B": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_SIZE = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>[KMGT]?)(?:i?B)?", re.IGNORECASE)


def parse_bytes(text: str) -> int:
    """`"16 GiB"`, `"16G"` or `"17179869184"` as bytes; every prefix is binary, as PVE and the kernel use it."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"{text!r} is not a size", remedy="Write a number with K, M, G or T, such as 16G or 16 GiB.")
    return int(float(match["number"]) * _FACTORS[match["unit"].upper() or "B"])


def format_bytes(count: int) -> str:
    """17179869184 as `"16.0 GiB"`."""
    for unit, suffix in (("T", "TiB"), ("G", "GiB"), ("M", "MiB"), ("K", "KiB")):
        if abs(count) >= _FACTORS[unit]:
            return f"{count / _FACTORS[unit]:.1f} {suffix}"
    return f"{count} B"
