"""The data files about cards: `catalogue.toml`, which is THE table of cards, and VBIOS images by part number."""

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


@dataclasses.dataclass(frozen=True, kw_only=True)
class Model:
    """A PCI device id's name for people, and the architecture that compilers want."""

    name: str
    architecture: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Peak:
    """What one device can do at most: bytes a second from its memory, half-precision operations a second."""

    name: str
    memory_bytes_per_second: float
    operations_per_second: float
    source: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class NamedCard:
    """A card that `--cards` can name; `reported_mib` is the VRAM that its driver reports."""

    architecture: str
    reported_mib: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class Support:
    """The first and the last ROCm for which AMD lists an architecture; empty where that is open or was not found."""

    rocm_first: str
    rocm_last: str
    source: str


@functools.cache
def vbios_images() -> dict[str, VbiosImage]:
    """Part number → image."""
    return {entry["part"]: VbiosImage(**entry) for entry in _load("vbios.toml")["image"]}


@functools.cache
def _shapes() -> tuple[Shape, ...]:
    fields = [field.name for field in dataclasses.fields(Shape)]
    return tuple(Shape(**{name: card[name] for name in fields}) for card in _cards() if "device" in card)


def shapes_of(device_id: str) -> list[Shape]:
    """Every card sold under a PCI device id; empty for an id that the file does not know."""
    return [shape for shape in _shapes() if shape.device == device_id]


def model_of(device_id: str) -> Model | None:
    """The model of a PCI device id in four hexadecimal digits, None when the table does not know it."""
    return _models().get(device_id)


@functools.cache
def load_peaks() -> dict[str, Peak]:
    """Data sheets by PCI device id (lower case, no prefix)."""
    return {
        device["id"]: Peak(
            name=device["peak_name"],
            memory_bytes_per_second=device["memory_bytes_per_second"],
            operations_per_second=device["half_operations_per_second"],
            source=device["source"],
        )
        for device in _table()["device"]
        if "peak_name" in device
    }


@functools.cache
def named_cards() -> dict[str, NamedCard]:
    """The names that `--cards` takes."""
    return {
        name: NamedCard(
            architecture=card.get("architecture") or _models()[card["device"]].architecture,
            reported_mib=card["reported_mib"],
        )
        for card in _cards()
        for name in card.get("names", ())
    }


@functools.cache
def rocm_support() -> dict[str, Support]:
    """Which ROCm AMD lists each architecture of the table for."""
    return {
        entry["name"]: Support(rocm_first=entry["rocm_first"], rocm_last=entry["rocm_last"], source=entry["source"])
        for entry in _table()["architecture"]
    }


@functools.cache
def integrated_architectures() -> frozenset[str]:
    """Those that sit in processors."""
    return frozenset(entry["name"] for entry in _table()["architecture"] if entry["integrated"])


@functools.cache
def _models() -> dict[str, Model]:
    return {
        device["id"]: Model(name=device["name"], architecture=device["architecture"]) for device in _table()["device"]
    }


def _cards() -> list[dict[str, Any]]:
    cards: list[dict[str, Any]] = _table()["card"]
    return cards


@functools.cache
def _table() -> dict[str, Any]:
    return _load("catalogue.toml")


def _load(name: str) -> dict[str, Any]:
    content = pkgutil.get_data(__package__, f"data/{name}")
    if content is None:
        raise FileNotFoundError(name)
    return tomllib.loads(content.decode())
