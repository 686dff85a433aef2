"""The IOMMU in front of a PCI function: its group and the group's domain type (drivers/iommu/iommu.c).

`identity` passes addresses through (`iommu=pt`); `DMA` and `DMA-FQ` translate every access.
"""

from __future__ import annotations

import dataclasses

from rocmox.errors import CannotLookError
from rocmox.facts.reading import read_text, why
from rocmox.machine.base import Machine

TRANSLATING = frozenset({"DMA", "DMA-FQ"})
_TYPES = frozenset({"identity", "blocked", "unmanaged", "unknown"}) | TRANSLATING
_WORDS = ("iommu", "intel_iommu", "amd_iommu", "iommu.passthrough", "iommu.strict")


@dataclasses.dataclass(frozen=True, kw_only=True)
class IommuDomain:
    """The group of a function and its type; both None where no IOMMU is in front of it."""

    group: int | None
    type: str | None

    @property
    def translates(self) -> bool:
        """Whether a peer's DMA goes through page tables of the IOMMU."""
        return self.type in TRANSLATING


def parse_type(text: str) -> str:
    """`"DMA-FQ"` as it is; CannotLookError for a word that iommu_group_show_type() does not write."""
    word = text.strip()
    if word not in _TYPES:
        raise CannotLookError(f"{word[:40]!r} is not a type of an IOMMU group")
    return word


def command_line_words(options: dict[str, str]) -> str:
    """Those words of `/proc/cmdline` that choose the IOMMU's mode, such as `intel_iommu=on iommu=pt`."""
    return " ".join(f"{name}={options[name]}" if options[name] else name for name in _WORDS if name in options)


def read_domain(machine: Machine, address: str) -> IommuDomain:
    """The domain of one function; CannotLookError when the group's type cannot be read (Linux before 5.11: root)."""
    link = f"/sys/bus/pci/devices/{address}/iommu_group"
    if not machine.exists(link):
        return IommuDomain(group=None, type=None)
    try:
        name = machine.resolve_link(link).rpartition("/")[2]
    except OSError as error:
        raise CannotLookError(f"{link}: {why(error)}") from error
    kind = parse_type(read_text(machine, f"/sys/kernel/iommu_groups/{name}/type"))
    return IommuDomain(group=int(name) if name.isascii() and name.isdecimal() else None, type=kind)
