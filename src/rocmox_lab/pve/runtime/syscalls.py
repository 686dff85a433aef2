"""System calls Python 3.11 has no function for: mount(2), setns(2), syncfs(2), open_tree(2), move_mount(2)."""

from __future__ import annotations

import ctypes
import os

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 0x1, 0x2, 0x4, 0x8
MS_REMOUNT, MS_NOATIME, MS_BIND, MS_REC = 0x20, 0x400, 0x1000, 0x4000
MNT_DETACH = 0x2
CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWNET = 0x00020000, 0x10000000, 0x40000000

_AT_FDCWD = -100
_OPEN_TREE_CLONE, _AT_RECURSIVE = 0x1, 0x8000
_MOVE_MOUNT_F_EMPTY_PATH, _MOVE_MOUNT_T_EMPTY_PATH = 0x4, 0x40
_SYS_OPEN_TREE, _SYS_MOVE_MOUNT = 428, 429  # the same numbers on every architecture (asm-generic/unistd.h)

_libc = ctypes.CDLL(None, use_errno=True)


def mount(source: str, target: str, *, kind: str = "", flags: int = 0, data: str = "") -> None:
    """Attach a file system, bind a folder or change its flags; OSError names the target."""
    result = _libc.mount(
        source.encode(), target.encode(), kind.encode() or None, ctypes.c_ulong(flags), data.encode() or None
    )
    _check(result, target)


def unmount(target: str, *, flags: int = 0) -> None:
    """umount2(2); OSError names the target."""
    _check(_libc.umount2(target.encode(), flags), target)


def enter_namespace(descriptor: int, kind: int) -> None:
    """setns(2) with an open namespace file such as `/proc/PID/ns/mnt`; the caller has one thread."""
    _check(_libc.setns(descriptor, kind), f"namespace {kind:#x}")


def sync_file_system(path: str) -> None:
    """syncfs(2): OSError (EIO, ENOSPC) when anything of this file system could not be written back."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        _check(_libc.syncfs(descriptor), path)
    finally:
        os.close(descriptor)


def clone_mount(path: str) -> int:
    """A detached copy of the mount (or of one file of it) at `path`; a file descriptor to be closed."""
    result: int = _libc.syscall(
        _SYS_OPEN_TREE, _AT_FDCWD, path.encode(), ctypes.c_uint(_OPEN_TREE_CLONE | _AT_RECURSIVE | os.O_CLOEXEC)
    )
    _check(result, path)
    return result


def attach_mount(descriptor: int, target: int) -> None:
    """move_mount(2): put what `clone_mount` gave over an open file or folder of the caller's present namespace."""
    flags = ctypes.c_uint(_MOVE_MOUNT_F_EMPTY_PATH | _MOVE_MOUNT_T_EMPTY_PATH)
    _check(_libc.syscall(_SYS_MOVE_MOUNT, descriptor, b"", target, b"", flags), f"descriptor {target}")


def _check(result: int, path: str) -> None:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), path)
