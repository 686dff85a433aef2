"""Deciding what boots: pins, and the boot loader's configuration."""

from __future__ import annotations

from rocmox.facts.boot_tool import ESP_LIST, TOOL
from rocmox.machine import Machine

_SECONDS = 300
_ENGLISH = {"LC_ALL": "C"}
_REMEDY = "Look at `proxmox-boot-tool kernel list` and `update-grub`."


def pin(machine: Machine, kernel: str, *, next_boot: bool = False) -> None:
    """Boot this kernel from now on, or once; on synchronised ESPs the tool only writes a file until `refresh`."""
    argv = [TOOL, "kernel", "pin", kernel, *(["--next-boot"] if next_boot else [])]
    machine.run(argv, timeout_seconds=_SECONDS, environment=_ENGLISH).check(remedy=_REMEDY)
    _refresh_esps(machine)


def unpin(machine: Machine, *, next_boot: bool = False) -> None:
    """Forget the pin for the next boot, or every pin."""
    argv = [TOOL, "kernel", "unpin", *(["--next-boot"] if next_boot else [])]
    machine.run(argv, timeout_seconds=_SECONDS, environment=_ENGLISH).check(remedy=_REMEDY)
    _refresh_esps(machine)


def write_configuration(machine: Machine) -> None:
    """After a change of the kernel's command line: ESPs and GRUB's menu anew."""
    if machine.exists(ESP_LIST):
        _refresh_esps(machine)
    else:
        machine.run(["update-grub"], timeout_seconds=_SECONDS, environment=_ENGLISH).check(remedy=_REMEDY)


def _refresh_esps(machine: Machine) -> None:
    if machine.exists(ESP_LIST):
        machine.run([TOOL, "refresh"], timeout_seconds=_SECONDS, environment=_ENGLISH).check(remedy=_REMEDY)
