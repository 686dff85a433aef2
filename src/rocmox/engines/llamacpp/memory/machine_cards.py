"""Cards by specification or as a machine has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rocmox.engines.llamacpp.memory.cards import CardMemory, parse_cards
from rocmox.errors import CannotLookError

if TYPE_CHECKING:
    from rocmox.gpu.card import Gpu

_MIB = 1 << 20


def cards_named(text: str, *, machine: str) -> tuple[CardMemory, ...]:
    """Those of the specification; `machine` asks the machine. CannotLookError when it shows no usable card."""
    if text != "machine":
        return parse_cards(text)
    from rocmox.gpu.inventory import read_inventory  # noqa: PLC0415 - slow to load, and a named card needs no machine
    from rocmox.machine import machine_at  # noqa: PLC0415

    gpus = read_inventory(machine_at(machine)).gpus
    cards = tuple(_card(gpu) for gpu in gpus if gpu.vram_bytes)
    if not cards:
        raise CannotLookError(
            f"--cards machine: {machine} shows no AMD GPU with a known amount of memory",
            remedy="Load the amdgpu driver there, or name the cards, such as --cards 3xmi50-16g.",
        )
    return cards


def _card(gpu: Gpu) -> CardMemory:
    return CardMemory(
        name=f"{gpu.pci_address}", architecture=gpu.architecture or "", capacity_mib=(gpu.vram_bytes or 0) // _MIB
    )
