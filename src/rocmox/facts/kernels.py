"""The kernels that are installed, in the order of their versions, and the packages of Proxmox VE they come from."""

from __future__ import annotations

import re

from rocmox.facts.reading import list_names
from rocmox.machine.base import Machine

_IMAGE = re.compile(r"vmlinuz-(?P<release>\d+\.\d+[\w.+~-]*)")
_SERIES = re.compile(r"(\d+\.\d+)")
# proxmox-kernel-6.8.12-9-pve-signed (8.1 and later), pve-kernel-6.2.16-3-pve (before): pve-kernel, debian/control.in
_PACKAGE = re.compile(r"(?:proxmox|pve)-kernel-(?P<release>\d+\.\d+\.\d+[\w.+~-]*?)(?:-signed)?")


def version_key(release: str) -> tuple[tuple[int, int | str], ...]:
    """A key that sorts kernel releases: 6.8.12-9-pve before 6.8.12-10-pve."""
    parts = re.findall(r"\d+|[a-z]+", release.lower())
    return tuple((0, int(part)) if part.isdecimal() else (-1, part) for part in parts)


def series(release: str) -> str:
    """`"6.8.12-9-pve"` → `"6.8"`; the release itself when it has no series."""
    match = _SERIES.match(release)
    return match[1] if match else release


def parse_images(names: list[str]) -> tuple[str, ...]:
    """Releases of the kernel images among the names of /boot, oldest first."""
    found = {match["release"] for match in map(_IMAGE.fullmatch, names) if match}
    return tuple(sorted(found, key=version_key))


def read_installed(machine: Machine) -> tuple[str, ...]:
    """Every kernel with an image in /boot, oldest first; CannotLookError when /boot cannot be listed."""
    return parse_images(list_names(machine, "/boot"))


def release_of(package: str) -> str | None:
    """`"6.8.12-9-pve"` for proxmox-kernel-6.8.12-9-pve-signed; None for a meta package."""
    match = _PACKAGE.fullmatch(package)
    return match["release"] if match else None


def headers_packages(release: str, *, pve_major: int) -> tuple[str, ...]:
    """Names of the headers' package, the one of this release of Proxmox VE first (`proxmox-headers-…` since 8)."""
    names = (f"proxmox-headers-{release}", f"pve-headers-{release}")
    return names if pve_major >= 8 else names[::-1]  # noqa: PLR2004 - Proxmox VE 8


def has_headers(machine: Machine, release: str) -> bool:
    """Whether a module can be built for this kernel (dkms_autoinstaller asks for the same directory)."""
    return machine.exists(f"/lib/modules/{release}/build/include")
