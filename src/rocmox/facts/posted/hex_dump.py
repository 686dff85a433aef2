"""Bytes from `xxd`, `hexdump -C` or `od -A x -t x1`: how people post a binary file."""

from __future__ import annotations

import re

from rocmox.errors import CannotLookError

_LINE = re.compile(r"^[0-9a-fA-F]{4,16}:?\s+(?P<bytes>(?:[0-9a-fA-F]{2}\s{0,3}){1,32})(?:\s.*|\|.*)?$")
_MOST_BYTES = 1 << 16


def parse_hex_dump(text: str) -> bytes:
    """CannotLookError when no line is one of a dump."""
    found = bytearray()
    for line in text.splitlines():
        match = _LINE.match(line.strip())
        if match and len(found) < _MOST_BYTES:
            found += bytes.fromhex(match["bytes"].replace(" ", "").replace("\t", ""))
    if not found:
        raise CannotLookError("no line of a hexadecimal dump")
    return bytes(found)
