"""Processes that compute on cards now: KFD's own list `/sys/class/kfd/kfd/proc/PID` (kfd_process.c).

In a container the list names the node's process ids; `/proc/PID` is found only where both are the same.
"""

from __future__ import annotations

import dataclasses
import re

from rocmox.errors import CannotLookError
from rocmox.facts.reading import list_names, parse_whole_number, read_text
from rocmox.machine.base import Machine

_FOLDER = "/sys/class/kfd/kfd/proc"
_VRAM = re.compile(r"vram_(\d{1,10})")
_CONTAINER = re.compile(r"/lxc(?:\.payload\.|/)(\d{3,9})(?:/|$)")


@dataclasses.dataclass(frozen=True, kw_only=True)
class KfdUser:
    """One process: VRAM in bytes by KFD's `gpu_id`, its command and the container it runs in (None: the node)."""

    process: int
    command: str | None
    container: int | None
    vram_bytes: dict[int, int]


def parse_container(text: str) -> int | None:
    """The VMID in `/proc/PID/cgroup` of a process in a PVE container: `0::/lxc/101/ns/…`."""
    for line in text.splitlines():
        if match := _CONTAINER.search(line):
            return int(match[1])
    return None


def read_users(machine: Machine) -> list[KfdUser]:
    """Every process by id; empty when none computes; CannotLookError where KFD shows no list."""
    names = (name for name in list_names(machine, _FOLDER) if name.isascii() and name.isdecimal())
    return [_read_user(machine, int(name)) for name in sorted(names, key=int)]


def _read_user(machine: Machine, process: int) -> KfdUser:
    cgroup = _text(machine, f"/proc/{process}/cgroup")
    vram = {}
    for name in list_names(machine, f"{_FOLDER}/{process}"):
        match = _VRAM.fullmatch(name)
        text = _text(machine, f"{_FOLDER}/{process}/{name}") if match else None
        if match and text is not None:
            try:
                vram[int(match[1])] = parse_whole_number(text, name)
            except CannotLookError:
                continue
    return KfdUser(
        process=process,
        command=_text(machine, f"/proc/{process}/comm"),
        container=parse_container(cgroup) if cgroup else None,
        vram_bytes=vram,
    )


def _text(machine: Machine, path: str) -> str | None:
    try:
        return read_text(machine, path)
    except CannotLookError:
        return None
