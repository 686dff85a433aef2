"""Loop devices for raw images: taken atomically, given back by the kernel (linux/loop.h, drivers/block/loop.c).

Loop devices belong to the whole machine: several labs and the user's own mounts share them. A device is configured in
one ioctl together with its auto-clear flag, so it is free again when its last user is gone, however that user ended.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
import struct
from collections.abc import Iterator
from pathlib import Path

_LOOP_CTL_GET_FREE, _LOOP_CONFIGURE, _LOOP_SET_CAPACITY, _LOOP_GET_STATUS64 = 0x4C82, 0x4C0A, 0x4C07, 0x4C05
_READ_ONLY, _AUTOCLEAR = 1, 4
_LOOP_MAJOR, _CONTROL = 7, os.makedev(10, 237)
_INFO = struct.Struct("=QQQQQIIII64s64s32sQQ")  # struct loop_info64
_INFO_BYTES, _ATTEMPTS = 232, 64


@contextlib.contextmanager
def attached(image: str, *, read_only: bool = False) -> Iterator[str]:
    """Path of a loop device over `image`; without another user (a mount) it vanishes at the end of the block.

    OSError when the image cannot be opened or every attempt finds its device taken by somebody else.
    """
    backing = os.open(image, (os.O_RDONLY if read_only else os.O_RDWR) | os.O_CLOEXEC)
    try:
        device, path = _take(backing, read_only=read_only)
    finally:
        os.close(backing)
    try:
        yield path
    finally:
        os.close(device)


def users_of(image: str, devices: Path = Path("/dev"), sysfs: Path = Path("/sys/block")) -> list[str]:
    """Paths of the loop devices over this very file, compared by device and inode number, not by name."""
    try:
        wanted = Path(image).stat()
    except FileNotFoundError:
        return []
    found = []
    for backing in sorted(sysfs.glob("loop*/loop/backing_file")):
        if not Path(_read(backing)).name.startswith(Path(image).name):
            continue  # somebody else's: not even opened
        path = _node(int(backing.parents[1].name.removeprefix("loop")), devices)
        info = _status(path)
        if info and (info[0], info[1]) == (_kernel_device(wanted.st_dev), wanted.st_ino):
            found.append(path)
    return found


def update_size(device: str) -> None:
    """Let the device see that its image has grown."""
    descriptor = os.open(device, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.ioctl(descriptor, _LOOP_SET_CAPACITY)
    finally:
        os.close(descriptor)


def _take(backing: int, *, read_only: bool) -> tuple[int, str]:
    flags = _AUTOCLEAR | (_READ_ONLY if read_only else 0)
    info = _INFO.pack(0, 0, 0, 0, 0, 0, 0, 0, flags, b"", b"", b"", 0, 0)
    request = struct.pack("=II", backing, 0) + info + bytes(64)  # struct loop_config
    for _ in range(_ATTEMPTS):
        path = _node(_free_number())
        device = os.open(path, (os.O_RDONLY if read_only else os.O_RDWR) | os.O_CLOEXEC)
        try:
            fcntl.ioctl(device, _LOOP_CONFIGURE, request)
        except OSError as error:
            os.close(device)
            if error.errno != errno.EBUSY:  # somebody else was quicker
                raise
        else:
            return device, path
    raise OSError(errno.EBUSY, "every free loop device was taken by somebody else", "/dev/loop-control")


def _free_number() -> int:
    control = _ensure_node(Path("/dev/loop-control"), stat.S_IFCHR, _CONTROL)
    descriptor = os.open(control, os.O_RDWR | os.O_CLOEXEC)
    try:
        return fcntl.ioctl(descriptor, _LOOP_CTL_GET_FREE)
    finally:
        os.close(descriptor)


def _node(number: int, devices: Path = Path("/dev")) -> str:
    return _ensure_node(devices / f"loop{number}", stat.S_IFBLK, os.makedev(_LOOP_MAJOR, number))


def _ensure_node(path: Path, kind: int, device: int) -> str:
    """The node's own /dev is a tmpfs that knows only LXC's nodes."""
    with contextlib.suppress(FileExistsError):
        os.mknod(path, kind | 0o660, device)
    return str(path)


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:  # detached meanwhile
        return ""


def _status(path: str) -> tuple[int, int] | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        raw = fcntl.ioctl(descriptor, _LOOP_GET_STATUS64, bytes(_INFO_BYTES))
    except OSError:  # ENXIO: not in use
        return None
    finally:
        os.close(descriptor)
    device, inode = struct.unpack_from("=QQ", raw)
    return device, inode


def _kernel_device(device: int) -> int:
    """st_dev as LOOP_GET_STATUS64 gives it (huge_encode_dev of the kernel equals the 64 bit encoding's low part)."""
    major, minor = os.major(device), os.minor(device)
    return (minor & 0xFF) | (major << 8) | ((minor & ~0xFF) << 12)
