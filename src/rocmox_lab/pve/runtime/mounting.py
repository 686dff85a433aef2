"""Mounting a guest's volumes, without following links that the guest made (`PVE::LXC::mountpoint_mount`)."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from rocmox_lab.pve.runtime import loop_device, syscalls
from rocmox_lab.pve.runtime.id_map import IdMap
from rocmox_lab.pve.runtime_protocol import GuestSpec, MountSpec, RuntimeFailedError

_FLAGS = {
    "noatime": syscalls.MS_NOATIME,
    "nodev": syscalls.MS_NODEV,
    "noexec": syscalls.MS_NOEXEC,
    "nosuid": syscalls.MS_NOSUID,
}
EXT4_OPTIONS = "barrier=0,noinit_itable"
"""The lab's only liberty: a flush of the guest ends in the machine's page cache, not on its disk."""


def mount_all(guest: GuestSpec, root: str, id_map: IdMap) -> None:
    """Mount the root file system at `root` and every mount point below it. RuntimeFailedError names the volume."""
    mount_at(guest.rootfs, root)
    for each in sorted(guest.mounts, key=lambda mount: mount.target):
        with open_inside(root, each.target, id_map) as descriptor:
            mount_at(each, f"/proc/self/fd/{descriptor}")


def unmount_all(root: str) -> None:
    """Unmount everything at and below `root`, last mounted first; nothing there is fine."""
    for path in reversed(mounts_below(root)):
        try:
            syscalls.unmount(path)
        except OSError as error:
            if error.errno != errno.EBUSY:
                raise
            syscalls.unmount(path, flags=syscalls.MNT_DETACH)


def mounts_below(root: str, mountinfo: str = "/proc/self/mountinfo") -> list[str]:
    """Mount points at and below `root` in the order they were made."""
    with Path(mountinfo).open(encoding="utf-8", errors="surrogateescape") as lines:
        points = [_unescape(line.split()[4]) for line in lines]
    return [point for point in points if point == root or point.startswith(root + "/")]


@contextlib.contextmanager
def open_inside(root: str, path: str, id_map: IdMap) -> Iterator[int]:
    """A folder below `root`, made when missing, as a descriptor; a symbolic link on the way is refused."""
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for name in (part for part in path.split("/") if part):
            descriptor = _descend(descriptor, name, path, id_map)
        yield descriptor
    finally:
        os.close(descriptor)


def _descend(parent: int, name: str, path: str, id_map: IdMap) -> int:
    if name in {".", ".."}:
        raise RuntimeFailedError(f"mount point path '{path}' contains '{name}'")
    try:
        with contextlib.suppress(FileExistsError):
            os.mkdir(name, 0o755, dir_fd=parent)
            os.chown(name, id_map.node_uid(0), id_map.node_gid(0), dir_fd=parent, follow_symlinks=False)
        child = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
    except OSError as error:
        raise RuntimeFailedError(f"unable to open mount point '{path}' in the container - {error.strerror}") from error
    os.close(parent)
    return child


def mount_at(mount: MountSpec, target: str) -> None:
    """Mount one volume; RuntimeFailedError names it."""
    flags = _flags(mount.mount_options) | (syscalls.MS_RDONLY if mount.read_only else 0)
    try:
        if mount.kind == "image":
            with loop_device.attached(mount.source, read_only=mount.read_only) as device:
                syscalls.mount(device, target, kind="ext4", flags=flags, data=EXT4_OPTIONS)
        else:
            syscalls.mount(mount.source, target, flags=syscalls.MS_BIND)
            if flags:
                # A descriptor opened before names what is underneath now; its path names the new mount.
                covered = os.readlink(target) if target.startswith("/proc/self/fd/") else target  # noqa: PTH115
                syscalls.mount("", covered, flags=flags | syscalls.MS_BIND | syscalls.MS_REMOUNT)
    except OSError as error:
        raise RuntimeFailedError(f"unable to mount '{mount.source}' ({mount.key}) - {error.strerror}") from error


def _flags(options: Sequence[str]) -> int:
    flags = 0
    for option in options:
        flags |= _FLAGS.get(option, 0)  # discard and lazytime change nothing in the lab
    return flags


def _unescape(text: str) -> str:
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, character)
    return text
