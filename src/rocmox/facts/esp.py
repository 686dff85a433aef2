"""Room on the EFI system partitions that proxmox-boot-tool keeps kernels on.

They are mounted only while the tool writes to them (proxmox-kernel-helper, src/proxmox-boot/zz-proxmox-boot), and
looking changes nothing: what is free is calculated from their size and from the kernels that the tool copies.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from rocmox.errors import CannotLookError, CommandError
from rocmox.facts.boot_tool import ESP_LIST
from rocmox.machine.base import Machine

_OVERHEAD_BYTES = 8 << 20  # FAT, the loaders, their configuration


def parse_sizes(lsblk: str, uuids: Iterable[str]) -> dict[str, int]:
    """UUID → bytes, out of `lsblk --bytes --json --output UUID,SIZE`; CannotLookError when it is no such document."""
    try:
        found: dict[str, int] = {}
        pending: list[dict[str, Any]] = list(json.loads(lsblk)["blockdevices"])
        while pending:
            device = pending.pop()
            pending += device.get("children", [])
            if device.get("uuid"):
                found[str(device["uuid"]).upper()] = int(device["size"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CannotLookError(f"lsblk's answer cannot be read: {error!r}") from error
    return {uuid: found[uuid.upper()] for uuid in uuids if uuid.upper() in found}


def read_sizes(machine: Machine) -> dict[str, int]:
    """Bytes of each ESP that proxmox-boot-tool writes to and that is plugged in; empty where there is none."""
    try:
        uuids = machine.read_bytes(ESP_LIST).decode(errors="replace").split()
    except OSError:
        return {}
    try:
        done = machine.run(["lsblk", "--bytes", "--json", "--output", "UUID,SIZE"])
    except CommandError as error:
        raise CannotLookError(error.message) from error
    return parse_sizes(done.stdout, uuids)


def kernel_bytes(machine: Machine, kernels: Iterable[str]) -> int:
    """What image and initial RAM disk of these kernels take."""
    files = [f"/boot/{name}-{kernel}" for kernel in kernels for name in ("vmlinuz", "initrd.img")]
    done = machine.run(["stat", "--format", "%s", *files]) if files else None
    return sum(int(word) for word in done.stdout.split() if word.isdecimal()) if done else 0


def read_free(machine: Machine, kernels: Iterable[str]) -> int | None:
    """Bytes that the smallest ESP has left beside these kernels; None on a node without synchronised ESPs."""
    sizes = read_sizes(machine)
    if not sizes:
        return None
    return max(min(sizes.values()) - _OVERHEAD_BYTES - kernel_bytes(machine, kernels), 0)
