"""`gpu_metrics` as posted: decoded by a tool (`name: value`, 65535 for what is not available) or as a hex dump."""

from __future__ import annotations

import dataclasses
import re

from rocmox.facts.gpu_metrics import parse_metrics
from rocmox.facts.posted.hex_dump import parse_hex_dump

_LINE = re.compile(
    r"^\s*(?P<key>[a-z][a-z0-9_]{2,50})(?: \([^)]*\))?\s*[:=]\s*(?P<value>0x[0-9a-fA-F]{1,16}|\d{1,20})\b"
)
_NOT_AVAILABLE = {0xFFFF, 0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF}


def parse_metrics_text(text: str) -> dict[str, int | None]:
    """Field → value, None where it is not available; CannotLookError without any field of the kernel's names.

    Of a hex dump the numbers that `facts.gpu_metrics` knows, by its names.
    """
    found: dict[str, int | None] = {}
    for line in text.splitlines():
        if match := _LINE.match(line):
            value = int(match["value"], 16 if match["value"].lower().startswith("0x") else 10)
            found[match["key"]] = None if value in _NOT_AVAILABLE else value
    if not any(key.startswith(("temperature_", "average_", "current_", "throttle")) for key in found):
        values = dataclasses.asdict(parse_metrics(parse_hex_dump(text)))
        return {name: value for name, value in values.items() if value is None or isinstance(value, int)}
    return found
