"""`pct df|mount|unmount|fsck|fstrim|rescan`: what concerns the volumes of a guest."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

from rocmox_lab.pve.answers import AnswerError
from rocmox_lab.pve.guests.config import GuestConfig
from rocmox_lab.pve.guests.service import Guests

Options = Mapping[str, Any]


def load(guests: Guests, text: str) -> tuple[int, GuestConfig]:
    """A guest by the VMID on the command line."""
    vmid = int(text)
    return vmid, guests.files.load(vmid)


def df(guests: Guests, arguments: Sequence[str], _options: Options) -> int:
    """Space of every volume."""
    vmid, config = load(guests, arguments[0])
    found = guests.spec(vmid, config)
    status = guests.node.runtime.status(vmid)
    rows = [("MP", "Volume", "Size", "Used", "Avail", "Use%", "Path")]
    for mount in (found.rootfs, *found.mounts):
        volume = config.values[mount.key].split(",")[0]
        size = mount.size_bytes or 0
        used = status.disk_used_bytes if mount.key == "rootfs" else 0
        share = f"{100 * used / size:.1f}" if size else "0.0"
        rows.append((mount.key, volume, _human(size), _human(used), _human(max(0, size - used)), share, mount.target))
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]))]
    for row in rows:
        left = " ".join(f"{text:<{width}}" for text, width in zip(row[:2], widths[:2], strict=True))
        right = " ".join(f"{text:>{width}}" for text, width in zip(row[2:6], widths[2:6], strict=True))
        print(f"{left} {right} {row[6]}")
    return 0


def _human(size_bytes: int) -> str:
    number = float(size_bytes)
    for unit in ("B", "K", "M", "G"):
        if number < 1024:  # noqa: PLR2004 - binary units
            return f"{number:.1f}{unit}"
        number /= 1024
    return f"{number:.1f}T"


def mount(guests: Guests, arguments: Sequence[str], _options: Options) -> int:
    """Mount a stopped guest on the node; it is locked meanwhile."""
    vmid, config = load(guests, arguments[0])
    with guests.locked(vmid):
        guests.check_lock(config)
        place = guests.node.runtime.mount(guests.spec(vmid, config))
        config.values["lock"] = "mounted"
        guests.files.save(vmid, config)
    print(f"mounted CT {vmid} in '{place}'")
    return 0


def unmount(guests: Guests, arguments: Sequence[str], _options: Options) -> int:
    """Undo `mount`."""
    vmid, config = load(guests, arguments[0])
    with guests.locked(vmid):
        guests.node.runtime.unmount(vmid)
        if config.values.pop("lock", None):
            guests.files.save(vmid, config)
    return 0


def fsck(guests: Guests, arguments: Sequence[str], _options: Options) -> int:
    """Check the root file system of a stopped guest."""
    vmid, config = load(guests, arguments[0])
    if guests.running(vmid):
        message = "cannot run fsck when container is running\n"
        raise AnswerError(message)
    path = guests.spec(vmid, config).rootfs.source
    done = subprocess.run(["fsck", "-a", "-l", path], check=False, capture_output=True, text=True)
    print(done.stdout.replace(path, guests.node.shown(path)), end="")
    return 0


def fstrim(guests: Guests, arguments: Sequence[str], _options: Options) -> int:
    """Images are sparse: nothing to give back."""
    load(guests, arguments[0])
    return 0


def rescan(_guests: Guests, _arguments: Sequence[str], _options: Options) -> int:
    """Sizes stand in the files already."""
    return 0
