"""Raw ext4 images and directories that guests live on (`PVE::LXC::alloc_disk`, `format_disk`)."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

from rocmox.errors import CommandError
from rocmox.lab.pve.runtime import loop_device
from rocmox.lab.pve.runtime.id_map import UNPRIVILEGED, IdMap
from rocmox.lab.pve.runtime_protocol import Log, RuntimeFailedError
from rocmox.machine import LocalMachine
from rocmox.units import format_bytes

_HEADROOM_BYTES = 256 * 1024**2
"""Below this much free space on the storage no new image is begun."""
_MKFS_FEATURES = "lazy_itable_init=1,lazy_journal_init=1,assume_storage_prezeroed=1"
"""A new image is one hole: nothing needs to be zeroed, then or later (mke2fs(8))."""


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
    """Grow an image and its file system, mounted by a running guest or not."""
    if Path(path).stat().st_size > size_bytes:
        raise RuntimeFailedError("unable to shrink disk size")
    os.truncate(path, size_bytes)
    machine = LocalMachine()
    users = loop_device.users_of(path)
    try:
        for device in users:
            loop_device.update_size(device)
            _grow_mounted(machine, device)
        if not users:
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


def _grow_mounted(machine: LocalMachine, device: str) -> None:
    """resize2fs wants to see the mount, which only the monitor of the guest does."""
    number = Path(device).stat().st_rdev
    wanted = f"{os.major(number)}:{os.minor(number)}"
    for information in Path("/proc").glob("[0-9]*/mountinfo"):
        with contextlib.suppress(OSError):
            if any(line.split()[2] == wanted for line in information.read_text(errors="replace").splitlines()):
                process = information.parent.name
                mounts = ["nsenter", f"--mount=/proc/{process}/ns/mnt", "resize2fs", device]
                if machine.run(mounts, timeout_seconds=600).exit_status == 0:
                    return
    machine.run(["resize2fs", device], timeout_seconds=600).check()


def _reason(error: OSError | CommandError) -> str:
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return (error.stderr.strip() or error.message).splitlines()[-1]
