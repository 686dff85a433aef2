"""The two moments at which a guest's files are written: after creation and before every start. Run inside the root."""

from __future__ import annotations

import time
from pathlib import Path

from rocmox_lab.pve.runtime.setup import guest_root, interfaces_file, names, networkd_file, password, system
from rocmox_lab.pve.runtime.setup.names import Resolver
from rocmox_lab.pve.runtime_protocol import GuestSpec

_UNUSABLE_UNITS = ("sys-kernel-debug.mount", "sys-kernel-config.mount", "systemd-modules-load.service")
"""Units that only a kernel of one's own can satisfy; PVE's templates have them masked."""


def before_start(guest: GuestSpec, resolver: Resolver) -> list[str]:
    """Network, names and resolver, as PVE rewrites them at each start; warnings for the task log."""
    if guest.ostype == "unmanaged":
        return []
    write_network(guest)
    names.apply(guest, resolver)
    _timezone(guest.timezone)
    version = None if guest.nesting else system.systemd_version()
    if version and version > system.NESTING_NEEDED_SINCE:
        return [f"Systemd {version} detected. You may need to enable nesting."]
    return []


def after_creation(guest: GuestSpec, resolver: Resolver, encrypted: str, ssh_keys: str | None) -> None:
    """All of `before_start`, and what happens once: root's password and keys, an empty machine id, masked units."""
    before_start(guest, resolver)
    if shadow := guest_root.read("/etc/shadow"):
        mode = Path("/etc/shadow").stat().st_mode & 0o777
        _rewrite_in_place("/etc/shadow", password.in_shadow(shadow, encrypted, time.time()), mode)
    if ssh_keys:
        _authorize(ssh_keys)
    if Path("/etc/machine-id").exists():
        guest_root.write("/etc/machine-id", "", 0o444)
    if Path("/usr/lib/systemd/systemd").exists():
        for unit in _UNUSABLE_UNITS:
            _link("/dev/null", f"/etc/systemd/system/{unit}")


def write_network(guest: GuestSpec) -> None:
    """The files of the guest's network tool: ifupdown where it is installed (PVE's Debian), else systemd-networkd."""
    if not guest.networks:
        return
    if any(Path(program).exists() for program in ("/usr/sbin/ifup", "/sbin/ifup")):
        old = guest_root.read("/etc/network/interfaces")
        guest_root.write("/etc/network/interfaces", interfaces_file.render(old, guest.networks))
        return
    for network in guest.networks:
        guest_root.write(networkd_file.path(network), networkd_file.render(network))
    wants = "/etc/systemd/system/multi-user.target.wants/systemd-networkd.service"
    _link("/usr/lib/systemd/system/systemd-networkd.service", wants)


def _authorize(ssh_keys: str) -> None:
    path = Path("/root/.ssh")
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    old = guest_root.read("/root/.ssh/authorized_keys")
    guest_root.write(
        "/root/.ssh/authorized_keys", guest_root.with_section(old, ssh_keys.rstrip("\n") + "\n"), mode=0o600
    )


def _timezone(timezone: str | None) -> None:
    zone = timezone if timezone and timezone != "host" else None
    if zone and Path("/usr/share/zoneinfo", zone).exists():
        _link(f"/usr/share/zoneinfo/{zone}", "/etc/localtime")


def _link(target: str, path: str) -> None:
    link = Path(path)
    if link.is_symlink() and str(link.readlink()) == target:
        return
    link.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(target)


def _rewrite_in_place(path: str, text: str, mode: int) -> None:
    """Keep owner and group (root:shadow), which the guest's root cannot give to a new file from here."""
    target = Path(path)
    target.write_text(text, encoding="utf-8", errors="surrogateescape")
    target.chmod(mode)
