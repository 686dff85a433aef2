"""What `rocmox gpus` tells of a card beyond its join: firmware, who uses it, displays, what it really is."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from rocmox.errors import CannotLookError
from rocmox.facts.firmware import Firmware, read_firmware
from rocmox.facts.framebuffer import Screens, read_screens
from rocmox.facts.kfd_users import KfdUser, read_users
from rocmox.facts.ras import read_ras
from rocmox.gpu.card import Gpu
from rocmox.gpu.identity import Oddity, describe, oddities
from rocmox.machine.base import Machine


@dataclasses.dataclass(frozen=True, kw_only=True)
class CardUser:
    """A process that has memory on a card; `container` is its VMID, None on the node itself."""

    process: int
    command: str | None
    container: int | None
    vram_bytes: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class CardDetails:
    """`kind` is the name that fits the card's evidence; `unknown` is field → reason."""

    kind: str
    firmware: tuple[Firmware, ...]
    users: tuple[CardUser, ...]
    boot_display: bool | None
    consoles: tuple[str, ...]
    drives_display: bool
    counts_memory_errors: bool
    oddities: tuple[Oddity, ...]
    unknown: dict[str, str]


def read_details(machine: Machine, gpus: Sequence[Gpu]) -> dict[str, CardDetails]:
    """PCI address → details; what cannot be read stands in each card's `unknown`."""
    unknown: dict[str, str] = {}
    users: list[KfdUser] = []
    try:
        users = read_users(machine)
    except CannotLookError as error:
        unknown["users"] = error.message
    return {gpu.pci_address: _details(machine, gpu, gpus, users, unknown) for gpu in gpus}


def users_of(gpu: Gpu, users: Sequence[KfdUser]) -> tuple[CardUser, ...]:
    """The processes with memory on a card; 0 bytes say that a process has it open and uses nothing."""
    return tuple(
        CardUser(
            process=user.process, command=user.command, container=user.container, vram_bytes=user.vram_bytes[gpu.gpu_id]
        )
        for user in users
        if gpu.gpu_id is not None and gpu.gpu_id in user.vram_bytes
    )


def _details(
    machine: Machine, gpu: Gpu, gpus: Sequence[Gpu], users: Sequence[KfdUser], unknown: dict[str, str]
) -> CardDetails:
    unknown = dict(unknown)
    screens = read_screens(machine, gpu.pci_address)
    counts = _counts_errors(machine, gpu, unknown)
    has_ecc = None if gpu.driver != "amdgpu" or "counts_memory_errors" in unknown else counts
    return CardDetails(
        kind=describe(gpu),
        firmware=_firmware(machine, gpu, unknown),
        users=users_of(gpu, users),
        boot_display=screens.boot,
        consoles=screens.consoles,
        drives_display=_drives(gpu, screens),
        counts_memory_errors=counts,
        oddities=tuple(oddities(gpu, gpus, has_ecc=has_ecc)),
        unknown=unknown,
    )


def _drives(gpu: Gpu, screens: Screens) -> bool:
    return bool(gpu.connected_displays or screens.consoles or screens.boot)


def _firmware(machine: Machine, gpu: Gpu, unknown: dict[str, str]) -> tuple[Firmware, ...]:
    try:
        return tuple(entry for entry in read_firmware(machine, gpu.pci_address).entries if entry.is_loaded)
    except CannotLookError as error:
        unknown["firmware"] = error.message
        return ()


def _counts_errors(machine: Machine, gpu: Gpu, unknown: dict[str, str]) -> bool:
    try:
        return read_ras(machine, gpu.pci_address) is not None
    except CannotLookError as error:
        unknown["counts_memory_errors"] = error.message
        return False
