"""Cards as a table."""

from __future__ import annotations

from rocmox.gpu.card import Gpu
from rocmox.gpu.holders import containers_with
from rocmox.gpu.inventory import GpuInventory
from rocmox.report.table import render_table
from rocmox.units import format_bytes

_HEADINGS = (
    "PCI",
    "model",
    "arch",
    "CUs",
    "card",
    "render",
    "KFD",
    "VRAM",
    "BAR",
    "link",
    "VBIOS",
    "unique id",
    "driver",
    "held by",
)
_UNKNOWN = "?"


def to_text(inventory: GpuInventory) -> str:
    """One row per card; what is unknown is a question mark, with the reasons below."""
    rows = [_row(gpu, inventory) for gpu in inventory.gpus]
    reasons = [f"{gpu.pci_address} {field}: {why}" for gpu in inventory.gpus for field, why in gpu.unknown.items()]
    return "\n".join((render_table(_HEADINGS, rows), *reasons))


def _row(gpu: Gpu, inventory: GpuInventory) -> tuple[str, ...]:
    holders = containers_with(gpu, inventory.containers)
    return (
        gpu.pci_address,
        gpu.model or f"1002:{gpu.device_id}",
        gpu.architecture or _UNKNOWN,
        _number(gpu.compute_units),
        _number(gpu.card),
        _number(gpu.render),
        _number(gpu.kfd_node),
        _size(gpu.vram_bytes),
        _size(gpu.visible_vram_bytes),
        f"{gpu.link.speed_gts:g} GT/s x{gpu.link.width}" if gpu.link else _UNKNOWN,
        gpu.vbios or _UNKNOWN,
        gpu.unique_id or _UNKNOWN,
        gpu.driver or "none",
        ", ".join(map(str, holders)) or "-",
    )


def _number(value: int | None) -> str:
    return _UNKNOWN if value is None else str(value)


def _size(value: int | None) -> str:
    return _UNKNOWN if value is None else format_bytes(value)
