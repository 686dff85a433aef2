"""The data files about cards: VBIOS images by part number, and what each card has from the factory."""

from __future__ import annotations

import dataclasses
import functools
import pkgutil
import tomllib
from typing import Any

_GIB = 1 << 30
_REPORTED = 0.97  # the driver keeps up to a few hundred MiB for itself, so it reports a little less than was sold


@dataclasses.dataclass(frozen=True, kw_only=True)
class VbiosImage:
    """A VBIOS image that owners know: the card it was made for; 0 bytes where nobody reported it."""

    part: str
    made_for: str
    vram_bytes: int
    bar_bytes: int
    verdict: str
    note: str
    source: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Shape:
    """A card as sold under a PCI device id; 0 compute units or GiB where no document was found."""

    device: str
    name: str
    compute_units: int
    vram_gib: int
    ecc: bool
    source: str

    def has_units(self, compute_units: int) -> bool:
        """Whether this card may have so many; any number fits where no document was found."""
        return self.compute_units in {0, compute_units}

    def has_vram(self, vram_bytes: int) -> bool:
        """Whether a driver's total is that of this card; any is where no document was found."""
        return not self.vram_gib or self.vram_gib * _GIB * _REPORTED <= vram_bytes <= self.vram_gib * _GIB


@functools.cache
def vbios_images() -> dict[str, VbiosImage]:
    """Part number → image."""
    return {entry["part"]: VbiosImage(**entry) for entry in _load("vbios.toml")["image"]}


@functools.cache
def _shapes() -> tuple[Shape, ...]:
    return tuple(Shape(**entry) for entry in _load("shapes.toml")["card"])


def shapes_of(device_id: str) -> list[Shape]:
    """Every card sold under a PCI device id; empty for an id that the file does not know."""
    return [shape for shape in _shapes() if shape.device == device_id]


def _load(name: str) -> dict[str, Any]:
    content = pkgutil.get_data(__package__, f"data/{name}")
    if content is None:
        raise FileNotFoundError(name)
    return tomllib.loads(content.decode())
