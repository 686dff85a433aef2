"""The hooks of /etc/kernel and of apt: they call `rocmox host kernel-hook`, and never end a package's installation."""

from __future__ import annotations

from collections.abc import Iterator

from rocmox.host import places, step
from rocmox.host.step import Read, Step


def kernel_hook(event: str) -> str:
    """A hook of /etc/kernel: the kernel's release is its first argument; it never ends the package's installation."""
    return f"""#!/bin/sh
# The role amdgpu_host wrote this. It stands in for dkms' own hook (see `dpkg-statoverride --list`),
# which would leave a kernel package half configured when a module does not compile.
if [ -f {places.PROGRAM} ]; then
    {places.PYTHON} {places.PROGRAM} host kernel-hook {event} "$1" || true
fi
exit 0
"""


def apt_hook() -> str:
    """apt.conf(5): headers that came after their kernel have no hook of their own; this one builds then."""
    command = (
        f"if [ -f {places.PROGRAM} ]; then {places.PYTHON} {places.PROGRAM} host kernel-hook after-apt || true; fi"
    )
    return f'// The role amdgpu_host wrote this.\nDPkg::Post-Invoke {{ "{command}"; }};\n'


def plan_hooks(read: Read) -> Iterator[Step]:
    """In place before any package is installed."""
    for path, event in (
        (places.POSTINST, "built"),
        (places.HEADER_POSTINST, "built"),
        (places.POSTRM, "removed"),
    ):
        yield from step.write_stale(path, kernel_hook(event), read, mode=0o755)
    yield from step.write_stale(places.APT_HOOK, apt_hook(), read)


def undo_hooks(read: Read) -> Iterator[Step]:
    """All of them are gone."""
    yield from step.remove_present((places.POSTINST, places.HEADER_POSTINST, places.POSTRM, places.APT_HOOK), read)
