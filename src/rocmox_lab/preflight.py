"""What must hold before `rocmox lab up` touches anything: root, packages, kernel, disk space."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Sequence
from importlib import resources
from pathlib import Path

from rocmox.errors import RefusedError
from rocmox.machine import Machine

# Measured with the whole site: cache 1.2 GiB (images, templates, mirror), guest llm1 with Debian's ROCm and a build of
# llama.cpp 6.1 GiB, guest chat1 with Open WebUI and CPU torch 3.6 GiB; the rest is for what is unpacked meanwhile.
DEFAULT_NEED_GIB = 14.0
_GIB = 1 << 30

# Each runs in namespaces of its own: the kernel loads the module it needs, and nothing is left behind.
_KERNEL_PROBES = {
    "mount namespaces with cgroup2": (
        *("unshare", "--mount", "--propagation", "private", "sh", "-c"),
        "umount -R /sys/fs/cgroup 2>/dev/null; mount -t cgroup2 none /sys/fs/cgroup",
    ),
    "overlay file systems": (
        *("unshare", "--mount", "--propagation", "private", "sh", "-c"),
        "mount -t tmpfs n /tmp && cd /tmp && mkdir l u w m && mount -t overlay n -o lowerdir=l,upperdir=u,workdir=w m",
    ),
    "bridges": ("unshare", "--net", "ip", "link", "add", "rmx0", "type", "bridge"),
    "virtual Ethernet pairs": ("unshare", "--net", "ip", "link", "add", "rmx0", "type", "veth", "peer", "name", "rmx1"),
    "address translation (nf_tables)": (
        *("unshare", "--net", "nft"),
        "table ip t { chain c { type nat hook postrouting priority 100; ip daddr 192.0.2.1 masquerade; }; }",
    ),
    "user namespaces": ("unshare", "--user", "--map-root-user", "true"),
    "loop devices": ("test", "-c", "/dev/loop-control"),
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Need:
    """Free disk space: `directories` lie on whatever file systems they lie on; the need is for all together."""

    gib: float
    directories: tuple[Path, ...]


def require_root(effective_user_id: int) -> None:
    """RefusedError, at once, for everybody else."""
    if effective_user_id != 0:
        raise RefusedError(
            "the lab makes containers, bridges and mounts, and only root may",
            remedy="Run it as root, for example `sudo make lab` or `sudo .venv/bin/rocmox lab up`.",
        )


def check_machine(machine: Machine, need: Need, *, free_bytes: Callable[[Path], int]) -> None:
    """RefusedError that names everything this machine lacks."""
    missing = missing_packages(machine, required_packages())
    if missing:
        raise RefusedError(
            f"this machine lacks packages that the lab is made with: {', '.join(missing)}",
            remedy=f"`make lab` installs them; by hand: apt-get install --no-install-recommends {' '.join(missing)}",
        )
    lacks = missing_kernel_features(machine)
    if lacks:
        raise RefusedError(
            f"this machine's kernel does not give root: {'; '.join(lacks)}",
            remedy="Use a whole (virtual) machine with Debian's or Ubuntu's kernel; inside an unprivileged container "
            "these are out of reach.",
        )
    check_space(need, free_bytes=free_bytes)


def required_packages() -> tuple[str, ...]:
    """The packages of `data/apt-packages.txt`."""
    text = resources.files("rocmox_lab").joinpath("data/apt-packages.txt").read_text(encoding="utf-8")
    return tuple(line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#"))


def missing_packages(machine: Machine, packages: Sequence[str]) -> list[str]:
    """Those that dpkg does not know as installed."""
    done = machine.run(["dpkg-query", "--show", "--showformat=${Package} ${db:Status-Status}\n", *packages])
    installed = {line.split()[0] for line in done.stdout.splitlines() if line.endswith(" installed")}
    return [package for package in packages if package not in installed]


def missing_kernel_features(machine: Machine) -> list[str]:
    """What the kernel refuses, each with its words."""
    lacks = []
    for feature, probe in _KERNEL_PROBES.items():
        done = machine.run(probe)
        if done.exit_status:
            lacks.append(f"{feature} ({done.stderr.strip() or f'exit status {done.exit_status}'})")
    return lacks


def check_space(need: Need, *, free_bytes: Callable[[Path], int]) -> None:
    """RefusedError when the fullest of the file systems concerned has less than the need."""
    for directory in need.directories:
        have_gib = free_bytes(directory) / _GIB
        if have_gib < need.gib:
            raise RefusedError(
                f"{directory}: a full lab needs {need.gib:.1f} GiB of free disk space, and {have_gib:.1f} GiB are free",
                remedy="Free some space, put the cache elsewhere (ROCMOX_CACHE), or say `--need-gib N` if you install "
                "less than the whole site.",
            )


def free_bytes_at(directory: Path) -> int:
    """Free space for root on the file system that holds (or will hold) the directory, in bytes."""
    existing = next(path for path in (directory, *directory.parents) if path.exists())
    status = os.statvfs(existing)
    return status.f_bavail * status.f_frsize
