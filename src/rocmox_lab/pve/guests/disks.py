"""Volumes of a guest: new ones from `STORAGE:SIZE`, existing ones by their id, and their end."""

from __future__ import annotations

import re
from pathlib import Path

from rocmox_lab.pve import sizes
from rocmox_lab.pve.answers import AnswerError
from rocmox_lab.pve.guests.config import GuestConfig
from rocmox_lab.pve.guests.service import Guests
from rocmox_lab.pve.guests.spec import mount_type, numbered, parsed, rendered
from rocmox_lab.pve.storage import volumes
from rocmox_lab.pve.worker import Worker

_NEW = re.compile(r"^(?:(?P<storage>[^:/]+):)?(?P<size>\d+(?:\.\d+)?)$")


class Disks:
    """Allocates for one guest and remembers what it allocated."""

    def __init__(self, job: Worker, guests: Guests, vmid: int, *, unprivileged: bool) -> None:
        self._job = job
        self._guests = guests
        self._vmid = vmid
        self._unprivileged = unprivileged
        self._allocated: list[str] = []

    def allocate(self, key: str, text: str, *, default_storage: str) -> str:
        """The stored form of `rootfs` or `mpN`; a new volume where a size is asked for."""
        parts = parsed(self._guests.files, key, text)
        volume = parts["volume"]
        new = _NEW.match(volume)
        if new:
            size_bytes = sizes.from_gibibytes(new["size"])
            parts["volume"] = self._create(new["storage"] or default_storage, size_bytes)
            parts["size"] = sizes.show(size_bytes)
        elif mount_type(volume) == "volume":
            self._check_existing(volume, parts)
        return rendered(self._guests.files, key, parts)

    def new_volume(self, storage: str, size_bytes: int) -> str:
        """A new volume's id."""
        return self._create(storage, size_bytes)

    def free_allocated(self) -> None:
        """Take back what was made here."""
        for path in self._allocated:
            self._job.node.runtime.free_volume(path=path)
            remove_empty_folder(Path(path).parent)

    def _create(self, storage_name: str, size_bytes: int) -> str:
        node = self._job.node
        storage = self._guests.storages.usable(storage_name)
        name = volumes.next_disk(node, storage, self._vmid, "raw" if size_bytes else "subvol")
        shown = f"{storage.path}/images/{name}"
        path = node.path(shown)
        path.parent.mkdir(parents=True, exist_ok=True)
        if size_bytes:
            self._job.log(f"Formatting '{shown}', fmt=raw size={size_bytes} preallocation=off")
        self._allocated.append(str(path))
        node.runtime.create_volume(
            path=str(path), size_bytes=size_bytes, unprivileged=self._unprivileged, log=self._job.log
        )
        return f"{storage_name}:{name}"

    def _check_existing(self, volume: str, parts: dict[str, str]) -> None:
        found = volumes.find(self._guests.storages, volume)
        path = self._job.node.path(found.path)
        if not path.exists():
            message = f"volume '{volume}' does not exist"
            raise AnswerError(message)
        parts.setdefault("size", sizes.show(path.stat().st_size if path.is_file() else 0))


def of_guest(guests: Guests, config: GuestConfig) -> list[str]:
    """Paths of every volume that a guest owns, unused ones included."""
    found = config.values
    keys = [key for key in ("rootfs", *numbered(found, "mp"), *numbered(found, "unused")) if key in found]
    paths = []
    for key in keys:
        volume = parsed(guests.files, key, found[key])["volume"]
        if mount_type(volume) == "volume":
            paths.append(str(guests.node.path(volumes.find(guests.storages, volume).path)))
    return paths


def remove_empty_folder(folder: Path) -> None:
    """`images/VMID` goes with its last volume."""
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
