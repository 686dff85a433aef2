"""What boots on a Proxmox VE node: `proxmox-boot-tool` and its files.

Source: proxmox-kernel-helper, `src/bin/proxmox-boot-tool` and `src/proxmox-boot/functions`.
"""

from __future__ import annotations

import dataclasses
import re

from rocmox.errors import CannotLookError, CommandError
from rocmox.machine.base import Machine

TOOL = "proxmox-boot-tool"
ESP_LIST = "/etc/kernel/proxmox-boot-uuids"
_SECTIONS = {
    "manually selected kernels:": "manual",
    "automatically selected kernels:": "automatic",
    "pinned kernel:": "pinned",
    "kernel pinned on next-boot:": "next_boot",
}
_KERNEL = re.compile(r"\d+\.\d+[\w.+~-]*")
_CONFIGURED = re.compile(r"^\S+ is configured with: (?P<what>.+)$", re.MULTILINE)


@dataclasses.dataclass(frozen=True, kw_only=True)
class BootKernels:
    """`proxmox-boot-tool kernel list`: which kernels it offers, which one is pinned, and which for the next boot."""

    manual: tuple[str, ...] = ()
    automatic: tuple[str, ...] = ()
    pinned: str | None = None
    next_boot: str | None = None


def parse_kernel_list(text: str) -> BootKernels:
    """The four sections of `kernel list`; CannotLookError when the text has none of them."""
    found: dict[str, list[str]] = {}
    section = ""
    for raw in text.splitlines():
        line = raw.strip()
        if line.lower() in _SECTIONS:
            section = _SECTIONS[line.lower()]
            found.setdefault(section, [])
        elif section and _KERNEL.fullmatch(line):
            found[section].append(line)
    if "automatic" not in found and "manual" not in found:
        raise CannotLookError(f"`{TOOL} kernel list` said {text.strip()[:120]!r}, which names no kernels")
    return BootKernels(
        manual=tuple(found.get("manual", ())),
        automatic=tuple(found.get("automatic", ())),
        pinned=next(iter(found.get("pinned", ())), None),
        next_boot=next(iter(found.get("next_boot", ())), None),
    )


def read_kernel_list(machine: Machine) -> BootKernels:
    """CannotLookError when the tool is missing or fails."""
    done = machine.run([TOOL, "kernel", "list"], environment={"LC_ALL": "C"})
    return parse_kernel_list(done.check(remedy="It belongs to the package proxmox-kernel-helper.").stdout)


def parse_loaders(status: str) -> tuple[str, ...]:
    """Boot loaders on the synchronised ESPs of `proxmox-boot-tool status`: `grub`, `systemd-boot`."""
    words = " ".join(match["what"] for match in _CONFIGURED.finditer(status))
    found = {"systemd-boot": r"\buefi \(", "grub": r"\bgrub \("}
    return tuple(name for name, pattern in found.items() if re.search(pattern, words))


def read_loaders(machine: Machine) -> tuple[str, ...]:
    """Which boot loaders start this node; without synchronised ESPs that is GRUB on the root file system."""
    if not machine.exists(ESP_LIST):
        return ("grub",)
    try:
        status = machine.run([TOOL, "status"], environment={"LC_ALL": "C"})
    except CommandError:
        return ("grub",)
    return parse_loaders(status.stdout) or ("grub",)
