"""The configuration space of a constructed PCI function: 4096 bytes, as root reads `config` (pci_regs.h)."""

from __future__ import annotations

import struct

_BYTES = 4096
_FIRST_EXTENDED = 0x100
_ERROR_REPORTING, ACS, RESIZABLE_BAR = 0x0001, 0x000D, 0x0015
# What pci_enable_acs() sets where an IOMMU is on: source validation, both redirects, upstream forwarding.
ACS_ENABLED = 0x1D
_ACS_CAPABLE = 0x5F
_LENGTHS = {_ERROR_REPORTING: 0x48, ACS: 8, RESIZABLE_BAR: 12}


def config_space(
    *,
    ids: tuple[int, int],
    pci_class: int,
    revision: int,
    is_bridge: bool,
    acs_control: int | None = None,
    bar_sizes: int = 0,
) -> bytes:
    """Header and extended capabilities; `acs_control` None and `bar_sizes` 0 leave out their capability."""
    content = bytearray(_BYTES)
    struct.pack_into("<HHHH", content, 0, *ids, 0x0407, 0x0010)
    struct.pack_into("<BBH", content, 8, revision, pci_class & 0xFF, pci_class >> 8)
    content[0x0E] = 0x01 if is_bridge else 0x00
    chosen = [(_ERROR_REPORTING, b"")]
    if bar_sizes:
        chosen.append((RESIZABLE_BAR, struct.pack("<II", bar_sizes << 4, 0x20)))
    if acs_control is not None:
        chosen.append((ACS, struct.pack("<HH", _ACS_CAPABLE, acs_control)))
    at = _FIRST_EXTENDED
    for index, (identifier, body) in enumerate(chosen):
        after = at + _LENGTHS[identifier] + 3 & ~3
        following = after if index + 1 < len(chosen) else 0
        struct.pack_into("<I", content, at, identifier | 1 << 16 | following << 20)
        content[at + 4 : at + 4 + len(body)] = body
        at = after
    return bytes(content)
