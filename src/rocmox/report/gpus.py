"""Cards as a table, and below it what is odd or unknown about them."""

from __future__ import annotations

from collections.abc import Iterator

from rocmox.gpu.card import Gpu
from rocmox.gpu.details import CardDetails
from rocmox.gpu.holders import containers_with
from rocmox.gpu.inventory import GpuInventory
from rocmox.report.table import render_table
from rocmox.units import format_bytes

_HEADINGS = (
    *("PCI", "model", "arch", "CUs", "card", "render", "KFD", "VRAM", "BAR", "memory", "link now", "link max"),
    *("NUMA", "VBIOS", "unique id", "driver", "display", "held by"),
)
_UNKNOWN = "?"
Details = dict[str, CardDetails]


def to_text(inventory: GpuInventory, details: Details) -> str:
    """One row per card; what is unknown is a question mark, with the reasons below."""
    rows = [_row(gpu, inventory, details[gpu.pci_address]) for gpu in inventory.gpus]
    return "\n".join((render_table(_HEADINGS, rows), *_driver(inventory), *_notes(inventory, details)))


def _row(gpu: Gpu, inventory: GpuInventory, details: CardDetails) -> tuple[str, ...]:
    possible = gpu.possible_link
    return (
        gpu.pci_address,
        details.kind,
        gpu.architecture or _UNKNOWN,
        _number(gpu.compute_units),
        _number(gpu.card),
        _number(gpu.render),
        _number(gpu.kfd_node),
        _size(gpu.vram_bytes),
        _size(gpu.visible_vram_bytes),
        gpu.vram_vendor or _UNKNOWN,
        f"{gpu.link.speed_gts:g} GT/s x{gpu.link.width}" if gpu.link else _UNKNOWN,
        f"{possible[0]:g} GT/s x{possible[1]}" if possible else _UNKNOWN,
        "-" if gpu.numa_node is None else str(gpu.numa_node),
        gpu.vbios or _UNKNOWN,
        gpu.unique_id or _UNKNOWN,
        _bound_to(gpu, inventory),
        "yes" if details.drives_display else "no",
        ", ".join(_holders(gpu, inventory, details)) or "-",
    )


def _holders(gpu: Gpu, inventory: GpuInventory, details: CardDetails) -> Iterator[str]:
    """`CT 101` for a container it is passed to, and the processes with memory on it."""
    yield from (f"CT {vmid}" for vmid in containers_with(gpu, inventory.containers))
    for user in details.users:
        where = f" in CT {user.container}" if user.container else ""
        yield f"{user.command or 'process'}[{user.process}]{where} {format_bytes(user.vram_bytes)}"


def _driver(inventory: GpuInventory) -> Iterator[str]:
    module = inventory.module
    if module.loaded:
        version = f" {module.version}" if module.version else ""
        yield f"driver: amdgpu, {module.kind}{version}, on kernel {inventory.kernel_release or _UNKNOWN}"


def _notes(inventory: GpuInventory, details: Details) -> Iterator[str]:
    for gpu in inventory.gpus:
        mine = details[gpu.pci_address]
        if mine.firmware:
            versions = ", ".join(f"{entry.name} 0x{entry.version:x}" for entry in mine.firmware)
            yield f"{gpu.pci_address} firmware: {versions}"
        for odd in mine.oddities:
            evidence = "; ".join(f"{source}: {value}" for source, value in odd.evidence)
            yield f"{gpu.pci_address} ODD {odd.code}: {odd.summary} ({evidence})"
        for field, why in (gpu.unknown | mine.unknown).items():
            yield f"{gpu.pci_address} {field}: {why}"


def _bound_to(gpu: Gpu, inventory: GpuInventory) -> str:
    """The driver, and of amdgpu where it comes from."""
    if gpu.driver != "amdgpu":
        return gpu.driver or "none"
    return f"amdgpu {inventory.module.kind or ''}".rstrip()


def _number(value: int | None) -> str:
    return _UNKNOWN if value is None else str(value)


def _size(value: int | None) -> str:
    return _UNKNOWN if value is None else format_bytes(value)
