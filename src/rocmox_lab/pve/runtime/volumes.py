"""Raw ext4 images and directories that guests live on (`PVE::LXC::alloc_disk`, `format_disk`)."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

from rocmox.errors import CommandError
from rocmox.machine import LocalMachine
from rocmox.units import format_bytes
from rocmox_lab.pve.runtime import loop_device
from rocmox_lab.pve.runtime.id_map import UNPRIVILEGED, IdMap
from rocmox_lab.pve.runtime_protocol import Log, RuntimeFailedError

_HEADROOM_BYTES = 256 * 1024**2
"""Below this much free space on the storage no new image is begun."""
_MKFS_FEATURES = "lazy_itable_init=1,lazy_journal_init=1,assume_storage_prezeroed=1"
"""A new image is one hole: nothing needs to be zeroed, then or later (mke2fs(8))."""

_SUPERBLOCK_AT, _SUPERBLOCK_BYTES = 1024, 1024  # struct ext4_super_block (fs/ext4/ext4.h)
_EXT4_RESIZE = 0x40086610  # EXT4_IOC_RESIZE_FS, _IOW('f', 16, __u64)


def create(*, path: str, size_bytes: int, unprivileged: bool, log: Log) -> None:
    """Make a sparse image with an empty ext4, or a directory when the size is 0; half an image is never left behind."""
    target = Path(path)
    id_map = UNPRIVILEGED if unprivileged else IdMap()
    if target.exists():
        raise RuntimeFailedError(f"disk image '{path}' already exists")
    target.parent.mkdir(parents=True, exist_ok=True)
    if size_bytes == 0:
        target.mkdir(mode=0o755)
        os.chown(target, id_map.node_uid(0), id_map.node_gid(0))
        return
    _check_space(target, log)
    partial = target.with_name(target.name + ".partial")
    try:
        with partial.open("wb") as image:
            image.truncate(size_bytes)
        partial.chmod(0o640)
        _format(partial, target, id_map, log)
        partial.rename(target)
    except (OSError, CommandError) as error:
        partial.unlink(missing_ok=True)
        raise RuntimeFailedError(f"unable to create image '{path}' - {_reason(error)}") from error


def resize(*, path: str, size_bytes: int) -> None:
    """Grow an image and its file system, mounted by a running guest or not.

    A machine that withholds CAP_SYS_RESOURCE refuses to grow a mounted file system: as on PVE the image is larger then
    and a warning says so; `grow_to_image` makes up for it at the next start.
    """
    if Path(path).stat().st_size > size_bytes:
        raise RuntimeFailedError("unable to shrink disk size")
    os.truncate(path, size_bytes)
    users = loop_device.users_of(path)
    for device in users:
        loop_device.update_size(device)
        try:
            _grow_mounted(device, size_bytes)
        except PermissionError as error:
            print(f"Failed to update the container's filesystem: {error.strerror}", file=sys.stderr)
    if not users:
        _grow_unmounted(path)


def grow_to_image(path: str) -> None:
    """Let a file system that is smaller than its image fill it; for images that nobody has mounted."""
    with Path(path).open("rb") as image:
        image.seek(_SUPERBLOCK_AT)
        superblock = image.read(_SUPERBLOCK_BYTES)
    low, log_size = struct.unpack_from("<I", superblock, 0x4)[0], struct.unpack_from("<I", superblock, 0x18)[0]
    high = struct.unpack_from("<I", superblock, 0x150)[0]
    block_bytes = 1024 << log_size
    if Path(path).stat().st_size // block_bytes > low + (high << 32):
        _grow_unmounted(path)


def _grow_unmounted(path: str) -> None:
    machine = LocalMachine()
    try:
        check = machine.run(["e2fsck", "-f", "-p", path], timeout_seconds=600)
        if check.exit_status > 1:  # 1: errors corrected (e2fsck(8))
            check.check()
        machine.run(["resize2fs", path], timeout_seconds=600).check()
    except CommandError as error:
        raise RuntimeFailedError(f"Failed to update the container's filesystem: {_reason(error)}") from error


def free(*, path: str) -> None:
    """Delete an image or directory, what a killed creation left of it included."""
    target = Path(path)
    if target.is_dir() and not target.is_symlink():
        shutil.rmtree(target)
    for each in (target, target.with_name(target.name + ".partial")):
        each.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # other volumes of the guest may remain
        target.parent.rmdir()


def _check_space(target: Path, log: Log) -> None:
    space = os.statvfs(target.parent)
    available_bytes = space.f_bavail * space.f_frsize
    if available_bytes < _HEADROOM_BYTES:
        log(f"storage of '{target}' has {format_bytes(available_bytes)} left")
        raise RuntimeFailedError(
            f"unable to create image '{target}' - No space left on device: {format_bytes(available_bytes)} available, "
            f"{format_bytes(_HEADROOM_BYTES)} is the least; remove unused volumes or templates of this storage"
        )


def _format(partial: Path, target: Path, id_map: IdMap, log: Log) -> None:
    owner = f"root_owner={id_map.node_uid(0)}:{id_map.node_gid(0)}"
    options = f"{_MKFS_FEATURES},{owner}"
    done = LocalMachine().run(["mkfs.ext4", "-E", options, str(partial)], timeout_seconds=600).check()
    for line in done.stdout.splitlines():
        if line.startswith(("Creating filesystem", "Filesystem UUID", "Superblock backups", "\t")):
            log(line.replace(str(partial), str(target)))


def _grow_mounted(device: str, size_bytes: int) -> None:
    """Ask the kernel through any process that sees the mount (ext4(5), fs/ext4/ioctl.c): only the guest's do."""
    number = Path(device).stat().st_rdev
    wanted = f"{os.major(number)}:{os.minor(number)}"
    for mount_point in _mount_points(wanted):
        try:
            return _grow_at(mount_point, size_bytes)
        except (FileNotFoundError, ProcessLookupError):  # processes come and go
            continue
    raise RuntimeFailedError(f"Failed to update the container's filesystem: no process sees {device} mounted")


def _mount_points(device_number: str) -> Iterator[str]:
    """Where processes see this device mounted, as paths the node can open."""
    for information in Path("/proc").glob("[0-9]*/mountinfo"):
        with contextlib.suppress(OSError):
            for line in information.read_text(errors="replace").splitlines():
                if line.split()[2] == device_number:
                    yield f"{information.parent}/root{line.split()[4]}"


def _grow_at(mount_point: str, size_bytes: int) -> None:
    descriptor = os.open(mount_point, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        blocks = size_bytes // os.fstatvfs(descriptor).f_frsize
        fcntl.ioctl(descriptor, _EXT4_RESIZE, struct.pack("=Q", blocks))
    finally:
        os.close(descriptor)


def _reason(error: OSError | CommandError) -> str:
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return (error.stderr.strip() or error.message).splitlines()[-1]
