"""The cards of a constructed tree as the stand-in's `devices=` word: PCI addresses, and what their links carry."""

from __future__ import annotations

import re
from pathlib import Path

_AMD = "0x1002"
_GPU_CLASSES = ("0x0300", "0x0302", "0x0380", "0x1200")
_SPEED = re.compile(r"(\d+(?:\.\d+)?) GT/s")
_REACHED = 0.8  # of the link's theory: MI50s reach 0.61 to 0.90 on Gen3 x16
_LINE_CODE = 128 / 130


def device_words(tree: Path) -> str:
    """`devices=0000:03:00.0@6300,…` in MB/s by address, which is HIP's order; empty when there are no cards."""
    cards = sorted((tree / "sys/bus/pci/devices").glob("*"))
    found = [f"{card.name}@{_rate_mb(card.resolve(), tree.resolve())}" for card in cards if _is_gpu(card)]
    return f"devices={','.join(found)}" if found else ""


def _is_gpu(function: Path) -> bool:
    vendor, kind = ((function / name).read_text().strip() for name in ("vendor", "class"))
    return vendor == _AMD and kind.startswith(_GPU_CLASSES)


def _rate_mb(function: Path, tree: Path) -> int:
    """The slowest link between the card and the processor; at least 1."""
    rates = []
    for place in (function, *function.parents):
        if place == tree:
            break
        speed, width = place / "current_link_speed", place / "current_link_width"
        match = _SPEED.search(speed.read_text()) if speed.exists() and width.exists() else None
        if match:
            rates.append(float(match[1]) * 1000 / 8 * int(width.read_text()) * _LINE_CODE)
    return max(1, int(min(rates, default=16000) * _REACHED))
