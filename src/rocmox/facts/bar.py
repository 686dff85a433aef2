"""Base address registers of a PCI function: `resource`, `resource0_resize` and the DMA mask (pci-sysfs.c)."""

from __future__ import annotations

import dataclasses
import re

from rocmox.errors import CannotLookError
from rocmox.facts.reading import parse_whole_number, read_text
from rocmox.machine.base import Machine

_LINE = re.compile(r"0x([0-9a-f]{1,16}) 0x([0-9a-f]{1,16}) 0x([0-9a-f]{1,16})")
_SIZES = re.compile(r"[0-9a-f]{1,16}")
_MIB_SHIFT = 20
_MOST_BITS = 64


@dataclasses.dataclass(frozen=True, kw_only=True)
class Region:
    """One line of `resource`: first and last address, and the resource flags (include/linux/ioport.h)."""

    start: int
    end: int
    flags: int

    @property
    def size_bytes(self) -> int:
        """0 for a register that is not there."""
        return self.end - self.start + 1 if self.end > self.start else 0


@dataclasses.dataclass(frozen=True, kw_only=True)
class BarFacts:
    """The framebuffer's register (BAR 0), what it could be resized to, and how far the function can address.

    `resizable_bytes` is empty when the function (its VBIOS) offers no Resizable BAR capability.
    """

    region: Region
    resizable_bytes: tuple[int, ...]
    dma_mask_bits: int | None


def parse_resource(text: str) -> tuple[Region, ...]:
    """Every line of `resource`; CannotLookError that quotes the first line of another form."""
    regions = []
    for line in text.splitlines():
        match = _LINE.fullmatch(line.strip())
        if match is None:
            raise CannotLookError(f"{line.strip()[:60]!r} is not a line of a PCI resource file")
        start, end, flags = (int(word, 16) for word in match.groups())
        regions.append(Region(start=start, end=end, flags=flags))
    if not regions:
        raise CannotLookError("the PCI resource file is empty")
    return tuple(regions)


def parse_sizes(text: str) -> tuple[int, ...]:
    """The bit map of `resourceN_resize` (bit n is 2^n MiB) as sizes in bytes (pci_rebar_get_possible_sizes)."""
    word = text.strip().lower().removeprefix("0x")
    if not _SIZES.fullmatch(word):
        raise CannotLookError(f"{word[:40]!r} is not a bit map of BAR sizes")
    bits = int(word, 16)
    return tuple(1 << (_MIB_SHIFT + bit) for bit in range(_MOST_BITS) if bits >> bit & 1)


def read_bar(machine: Machine, address: str) -> BarFacts:
    """BAR 0 of one function; CannotLookError when its resources cannot be read."""
    place = f"/sys/bus/pci/devices/{address}"
    region = parse_resource(read_text(machine, f"{place}/resource"))[0]
    resize = f"{place}/resource0_resize"
    sizes = parse_sizes(read_text(machine, resize)) if machine.exists(resize) else ()
    try:
        mask = parse_whole_number(read_text(machine, f"{place}/dma_mask_bits"), "dma_mask_bits")
    except CannotLookError:
        mask = None
    return BarFacts(region=region, resizable_bytes=sizes, dma_mask_bits=mask)
