"""Loop devices whose backing file lies in a lab: found by device and inode, since each namespace sees another path."""

from __future__ import annotations

import json
import os
from pathlib import Path

from rocmox.machine import Machine


def backed_by(machine: Machine, directory: Path) -> list[str]:
    """Loop devices of this machine whose backing file lies below the directory (losetup(8), LOOP_GET_STATUS64)."""
    files = _files_below(directory)
    done = machine.run(["losetup", "--json", "--list", "--output", "NAME,BACK-INO,BACK-MAJ:MIN"])
    if done.exit_status or not done.stdout.strip():
        return []
    devices = json.loads(done.stdout)["loopdevices"]
    return sorted(
        device["name"] for device in devices if (device["back-maj:min"].strip(), int(device["back-ino"])) in files
    )


def detach_all(machine: Machine, directory: Path) -> list[str]:
    """Detach them; returns their names."""
    devices = backed_by(machine, directory)
    for device in devices:
        machine.run(["losetup", "--detach", device])
    return devices


def _files_below(directory: Path) -> set[tuple[str, int]]:
    found = set()
    for folder, _, names in os.walk(directory):
        for name in names:
            status = (Path(folder) / name).lstat()
            found.add((f"{os.major(status.st_dev)}:{os.minor(status.st_dev)}", status.st_ino))
    return found
