"""The running kernel (`uname -r`, `/proc/cmdline`)."""

from __future__ import annotations

from rocmox.facts.reading import read_text
from rocmox.machine.base import Machine


def read_release(machine: Machine) -> str:
    """The release of the running kernel, such as 6.8.12-9-pve."""
    return read_text(machine, "/proc/sys/kernel/osrelease").strip()


def parse_command_line(text: str) -> dict[str, str]:
    """`"quiet iommu=pt"` as {"quiet": "", "iommu": "pt"}; the last of several wins, as in the kernel."""
    words = (word.partition("=") for word in text.split())
    return {name: value for name, _, value in words}


def read_command_line(machine: Machine) -> dict[str, str]:
    """What the kernel was started with."""
    return parse_command_line(read_text(machine, "/proc/cmdline"))
