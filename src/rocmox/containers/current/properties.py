"""PVE's property strings (`name=eth0,bridge=vmbr0,ip=dhcp`), tag lists and sizes, as text and as values."""

from __future__ import annotations

import re
from collections.abc import Mapping

from rocmox.units import parse_bytes

_GIB = 1 << 30


def parse_properties(text: str, *, default_key: str = "") -> dict[str, str]:
    """`a=1,b=2` as a dictionary; a first word without `=` belongs to `default_key` (PVE::JSONSchema)."""
    values: dict[str, str] = {}
    for part in filter(None, text.split(",")):
        key, equals, value = part.partition("=")
        if equals:
            values[key.strip()] = value.strip()
        elif default_key and default_key not in values:
            values[default_key] = part.strip()
    return values


def format_properties(values: Mapping[str, str]) -> str:
    """The reverse; keys keep their order."""
    return ",".join(f"{key}={value}" for key, value in values.items())


def parse_tags(text: str) -> frozenset[str]:
    """PVE separates tags by semicolons, and takes commas and blanks too."""
    return frozenset(filter(None, re.split(r"[;,\s]+", text)))


def disk_size_gib(rootfs: str) -> int | None:
    """The size in a `rootfs` value, rounded up to whole GiB; None when it states none."""
    size = parse_properties(rootfs, default_key="volume").get("size")
    return None if size is None else -(-parse_bytes(size) // _GIB)


def disk_storage(rootfs: str) -> str:
    """The storage a `rootfs` value names."""
    return parse_properties(rootfs, default_key="volume").get("volume", "").partition(":")[0]
