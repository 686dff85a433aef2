"""Who drives the screens: `boot_vga`, `/proc/fb` and the console's framebuffer."""

from __future__ import annotations

import dataclasses

from rocmox.errors import CannotLookError
from rocmox.facts.reading import list_names, read_text
from rocmox.machine.base import Machine

_GRAPHICS = "/sys/class/graphics"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Screens:
    """`boot` is the function the firmware showed its picture on; `consoles` are those with a framebuffer (fbN)."""

    boot: bool | None
    consoles: tuple[str, ...]


def parse_boot_vga(text: str) -> bool:
    """`"1"` or `"0"`; CannotLookError for the rest."""
    word = text.strip()
    if word not in {"0", "1"}:
        raise CannotLookError(f"boot_vga: {word[:40]!r} is neither 0 nor 1")
    return word == "1"


def read_screens(machine: Machine, address: str) -> Screens:
    """What one function shows; never raises, for a function without `boot_vga` is not a VGA device."""
    try:
        boot = parse_boot_vga(read_text(machine, f"/sys/bus/pci/devices/{address}/boot_vga"))
    except CannotLookError:
        boot = None
    return Screens(boot=boot, consoles=tuple(_consoles(machine, address)))


def _consoles(machine: Machine, address: str) -> list[str]:
    if not machine.exists(_GRAPHICS):
        return []
    found = []
    for name in list_names(machine, _GRAPHICS):
        if not name.startswith("fb") or not name[2:].isdecimal():
            continue
        try:
            if machine.resolve_link(f"{_GRAPHICS}/{name}/device").rpartition("/")[2] == address:
                found.append(name)
        except OSError:
            continue
    return found
