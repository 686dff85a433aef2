"""Which system a root file system holds (`PVE::LXC::Setup` detect_architecture, get_ct_os_release). Runs inside it."""

from __future__ import annotations

import shlex
from pathlib import Path

from rocmox_lab.pve.runtime.setup import guest_root
from rocmox_lab.pve.runtime_protocol import Detected, RuntimeFailedError

_ELF_MACHINES = {0x03: "i386", 0x28: "armhf", 0x3E: "amd64", 0xB7: "arm64", 0xF3: "riscv64"}
_KNOWN = {"debian", "devuan", "ubuntu", "centos", "fedora", "opensuse", "archlinux", "alpine", "gentoo", "nixos"}
_ALIASES = {"arch": "archlinux", "opensuse-leap": "opensuse", "opensuse-tumbleweed": "opensuse", "rocky": "centos"}
NESTING_NEEDED_SINCE = 241
"""systemd newer than this isolates services by namespaces (`PVE::LXC::Setup::Base::check_systemd_nesting`)."""


def detect() -> Detected:
    """Distribution and architecture of the root file system this process is in."""
    return Detected(ostype=_ostype(guest_root.read("/etc/os-release")), arch=_architecture())


def systemd_version() -> int | None:
    """Version of the guest's systemd, read from its private library's name; None without systemd."""
    for library in Path("/usr/lib").glob("**/libsystemd-shared-*.so"):
        digits = library.stem.removeprefix("libsystemd-shared-").split(".")[0].split("~")[0]
        if digits.isdigit():
            return int(digits)
    return None


def _ostype(os_release: str) -> str:
    values = dict(line.split("=", 1) for line in os_release.splitlines() if "=" in line)
    name = "".join(shlex.split(values.get("ID", "")))
    name = _ALIASES.get(name, name)
    return name if name in _KNOWN else "unmanaged"


def _architecture() -> str:
    for program in ("/bin/sh", "/usr/bin/sh"):
        try:
            with Path(program).open("rb") as file:
                header = file.read(20)
        except OSError:
            continue
        if header[:4] == b"\x7fELF":
            return _ELF_MACHINES.get(int.from_bytes(header[18:20], "little"), "amd64")
    raise RuntimeFailedError("Architecture detection failed: the template has no /bin/sh")
