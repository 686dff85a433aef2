"""The cards of a plan: `3xmi50-16g`, `2xw7900`, `1xmi50-32g+1xw7900`, `4x24576MiB`."""

from __future__ import annotations

import dataclasses
import re
from typing import NoReturn

from rocmox.errors import UsageError

_MOST_CARDS = 16  # GGML_CUDA_MAX_DEVICES
_GROUP = re.compile(r"(?:(?P<count>\d{1,3})x)?(?P<card>[a-z0-9][a-z0-9-]*)", re.IGNORECASE)
_SIZE = re.compile(r"(?P<mib>\d{3,8})mib", re.IGNORECASE)


@dataclasses.dataclass(frozen=True, kw_only=True)
class CardMemory:
    """One GPU: `capacity_mib` is the total that the driver reports."""

    name: str
    architecture: str
    capacity_mib: int


# What the driver reports: MI50 16368 and 32752, W7900 49136 (`rocm-smi --showmeminfo vram`); others by their size.
_KNOWN = {
    "mi50": ("gfx906", 16368),
    "mi50-16g": ("gfx906", 16368),
    "mi50-32g": ("gfx906", 32752),
    "mi60": ("gfx906", 32752),
    "radeon-vii": ("gfx906", 16368),
    "radeon-pro-vii": ("gfx906", 16368),
    "mi25": ("gfx900", 16368),
    "vega64": ("gfx900", 8176),
    "mi100": ("gfx908", 32752),
    "mi210": ("gfx90a", 65520),
    "w6800": ("gfx1030", 30704),
    "rx6800": ("gfx1030", 16368),
    "rx6900xt": ("gfx1030", 16368),
    "w7800": ("gfx1100", 32752),
    "w7900": ("gfx1100", 49136),
    "rx7900xt": ("gfx1100", 20464),
    "rx7900xtx": ("gfx1100", 24560),
    "rx9070xt": ("gfx1201", 16304),
    "r9700": ("gfx1201", 32624),
}


def known_cards() -> tuple[str, ...]:
    """The names that a specification may use."""
    return tuple(sorted(_KNOWN))


def parse_cards(text: str) -> tuple[CardMemory, ...]:
    """Cards in the order in which they are written; UsageError says which part makes no sense."""
    cards: list[CardMemory] = []
    for part in text.split("+"):
        cards += _parse_group(part.strip())
        if len(cards) > _MOST_CARDS:
            raise UsageError(f"--cards {text[:60]!r}: more than {_MOST_CARDS} cards, which llama.cpp does not use")
    return tuple(cards)


def _parse_group(part: str) -> list[CardMemory]:
    match = _GROUP.fullmatch(part)
    if match is None:
        _refuse(part)
    count = int(match["count"] or 1)
    if not 1 <= count <= _MOST_CARDS:
        _refuse(part)
    name = match["card"].lower()
    size = _SIZE.fullmatch(name)
    if size is not None:
        return [CardMemory(name=f"{int(size['mib'])}MiB", architecture="", capacity_mib=int(size["mib"]))] * count
    if name not in _KNOWN:
        _refuse(part)
    architecture, capacity = _KNOWN[name]
    return [CardMemory(name=name, architecture=architecture, capacity_mib=capacity)] * count


def _refuse(part: str) -> NoReturn:
    raise UsageError(
        f"--cards: {part[:60]!r} names no cards",
        remedy=f"Write for example 3xmi50-16g, 4x24576MiB or 1xmi50-32g+1xw7900. Known: {', '.join(known_cards())}.",
    )
