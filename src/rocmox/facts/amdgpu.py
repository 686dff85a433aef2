"""What amdgpu says about one card below its PCI directory, and about itself as a module."""

from __future__ import annotations

import dataclasses
import re

from rocmox.errors import CannotLookError
from rocmox.facts.reading import parse_whole_number, read_text
from rocmox.machine.base import Machine

_MODULE = "/sys/module/amdgpu"
_UNIQUE_ID = re.compile(r"[0-9a-f]{1,16}")


@dataclasses.dataclass(frozen=True, kw_only=True)
class CardFacts:
    """A card's own words; what is None stands in `unknown` with the reason. Sizes in bytes."""

    vram_bytes: int | None
    visible_vram_bytes: int | None
    vram_vendor: str | None
    vbios: str | None
    unique_id: str | None
    unknown: dict[str, str]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Module:
    """The amdgpu module: `kind` is inbox or dkms, `version` only a DKMS driver has."""

    loaded: bool
    kind: str | None
    version: str | None


def parse_unique_id(text: str) -> str:
    """The 16 hexadecimal digits of `unique_id`; CannotLookError for 0, which integrated GPUs and old cards report."""
    word = text.strip().lower().removeprefix("0x")
    if not _UNIQUE_ID.fullmatch(word):
        raise CannotLookError(f"unique_id: {word[:40]!r} is not hexadecimal")
    if not int(word, 16):
        raise CannotLookError("unique_id: the card reports 0, as integrated GPUs do")
    return word.zfill(16)


def read_card(machine: Machine, pci_address: str) -> CardFacts:
    """One card's facts; never raises, for each missing one has its reason."""
    place = f"/sys/bus/pci/devices/{pci_address}"
    unknown: dict[str, str] = {}

    def text(field: str, name: str) -> str | None:
        try:
            return read_text(machine, f"{place}/{name}") or None
        except CannotLookError as error:
            unknown[field] = error.message
            return None

    def size(field: str, name: str) -> int | None:
        word = text(field, name)
        if word is None:
            return None
        try:
            return parse_whole_number(word, name)
        except CannotLookError as error:
            unknown[field] = error.message
            return None

    return CardFacts(
        vram_bytes=size("vram_bytes", "mem_info_vram_total"),
        visible_vram_bytes=size("visible_vram_bytes", "mem_info_vis_vram_total"),
        vram_vendor=text("vram_vendor", "mem_info_vram_vendor"),
        vbios=text("vbios", "vbios_version"),
        unique_id=_unique_id(text("unique_id", "unique_id"), unknown),
        unknown=unknown,
    )


def read_module(machine: Machine) -> Module:
    """Whether amdgpu is loaded and where it comes from: amdgpu-dkms shows a version, the kernel's own does not."""
    if not machine.exists(_MODULE):
        return Module(loaded=False, kind=None, version=None)
    try:
        version = read_text(machine, f"{_MODULE}/version")
    except CannotLookError:
        return Module(loaded=True, kind="inbox", version=None)
    return Module(loaded=True, kind="dkms", version=version or None)


def _unique_id(word: str | None, unknown: dict[str, str]) -> str | None:
    if word is None:
        return None
    try:
        return parse_unique_id(word)
    except CannotLookError as error:
        unknown["unique_id"] = error.message
        return None
