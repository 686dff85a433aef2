"""The machine's guest, made by the lab's own `pct` in the image's root before that is a disk: quick, since native."""

from __future__ import annotations

from pathlib import Path

from rocmox.machine import Machine
from rocmox_lab import images
from rocmox_lab.node_files import CODE_IN_NODE
from rocmox_lab.package_copy import refresh_packages
from rocmox_lab.vm.places import PREFIX

GUEST = 101
TEMPLATE = "debian-12-standard"
_SECONDS = 600
# A pivoted root, not a changed one: user namespaces are refused to a process under chroot (user_namespaces(7)).
_ENTER = """
set -e
mount --bind "$1" "$1"
mount -t proc proc "$1/proc"
mount -t sysfs sys "$1/sys"
mount -t tmpfs tmpfs "$1/run"
mount --rbind /dev "$1/dev"
cd "$1"
pivot_root . mnt
umount -l /mnt
shift
exec "$@"
"""


def create_guest(machine: Machine, root: Path, template: Path) -> None:
    """Create it, stopped and without cards; CommandError with pct's words."""
    (root / CODE_IN_NODE.lstrip("/")).mkdir(parents=True)
    refresh_packages(root / CODE_IN_NODE.lstrip("/"))
    cache = root / "var/lib/vz/template/cache"
    archive = cache / template.name
    archive.write_bytes(template.read_bytes())
    pct = (
        *("/usr/sbin/pct", "create", str(GUEST), f"local:vztmpl/{template.name}", "--hostname", "llm1"),
        *("--storage", "local", "--rootfs", "local:2", "--cores", "2", "--memory", "512", "--swap", "0"),
        *("--unprivileged", "1", "--features", "nesting=1", "--onboot", "1", "--tags", "rocmox"),
        *("--net0", f"name=eth0,bridge=vmbr0,ip={PREFIX}.{GUEST}/24,gw={PREFIX}.2"),
    )
    argv = [*images.CONTAINED, "sh", "-c", _ENTER, "guest", str(root), *pct]
    machine.run(argv, timeout_seconds=_SECONDS).check()
    archive.unlink()
