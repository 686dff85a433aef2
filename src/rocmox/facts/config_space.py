"""A PCI function's configuration space: extended capabilities, above all Access Control Services (`lspci -vvv`).

The kernel shows 64 bytes to users and 256 or 4096 to root (pci_read_config in pci-sysfs.c), so a missing capability
means something only when the whole space was read.
"""

from __future__ import annotations

import dataclasses
import struct

from rocmox.errors import CannotLookError
from rocmox.facts.reading import why
from rocmox.machine.base import Machine

WHOLE_BYTES = 4096
_EXTENDED_AT = 0x100
_MOST_CAPABILITIES = (WHOLE_BYTES - _EXTENDED_AT) // 8  # as pci_find_next_ext_capability, against loops
ACS, RESIZABLE_BAR = 0x000D, 0x0015
_ACS_CONTROL_AT = 6
# include/uapi/linux/pci_regs.h: bits of the ACS control register.
_ACS_BITS = {"SrcValid": 0x01, "TransBlk": 0x02, "ReqRedir": 0x04, "CmpltRedir": 0x08, "UpstreamFwd": 0x10}
_ACS_BITS |= {"EgressCtrl": 0x20, "DirectTrans": 0x40}
_REDIRECTS = 0x04 | 0x08 | 0x20


@dataclasses.dataclass(frozen=True, kw_only=True)
class AcsControl:
    """The ACS control register; `redirects` as pci_bridge_has_acs_redir() in p2pdma.c asks."""

    value: int

    @property
    def redirects(self) -> bool:
        """Whether requests between two ports below are sent up to the root instead."""
        return bool(self.value & _REDIRECTS)

    def __str__(self) -> str:
        """As `lspci` writes it: `SrcValid+ ReqRedir-`."""
        return " ".join(f"{name}{'+' if self.value & bit else '-'}" for name, bit in _ACS_BITS.items())


def parse_capabilities(content: bytes) -> dict[int, int]:
    """Extended capability id → offset; CannotLookError when only the part for unprivileged users was read."""
    if len(content) < WHOLE_BYTES:
        raise CannotLookError(
            f"only {len(content)} bytes of the configuration space can be read", remedy="Run this as root on the node."
        )
    found: dict[int, int] = {}
    at = _EXTENDED_AT
    for _ in range(_MOST_CAPABILITIES):
        if at < _EXTENDED_AT or at > WHOLE_BYTES - 8:
            break
        (header,) = struct.unpack_from("<I", content, at)
        if header in {0, 0xFFFFFFFF}:
            break
        found.setdefault(header & 0xFFFF, at)
        at = header >> 20 & 0xFFC
    return found


def parse_acs(content: bytes) -> AcsControl | None:
    """The ACS control register, None when the function has no such capability."""
    at = parse_capabilities(content).get(ACS)
    return None if at is None else AcsControl(value=struct.unpack_from("<H", content, at + _ACS_CONTROL_AT)[0])


def read_acs(machine: Machine, address: str) -> AcsControl | None:
    """The ACS control register of one function; CannotLookError without root."""
    path = f"/sys/bus/pci/devices/{address}/config"
    try:
        content = machine.read_bytes(path)
    except OSError as error:
        raise CannotLookError(f"{path}: {why(error)}") from error
    try:
        return parse_acs(content)
    except CannotLookError as error:
        raise CannotLookError(f"{path}: {error.message}", remedy=error.remedy) from error
