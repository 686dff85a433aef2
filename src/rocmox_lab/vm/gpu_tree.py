"""Runs in the machine: `python3 -m rocmox_lab.vm.gpu_tree PROFILE FOLDER` builds the cards' `/sys` below the folder.

The numbers are those of the device nodes that the driver has really registered; without the driver the cards stand on
the PCI bus and nothing claims them. Standard library only.
"""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
import sys
from pathlib import Path

from rocmox_lab.gpus import build
from rocmox_lab.gpus.profiles import Profile, profile_named

_IDENTITY = ("srcversion", "version")
_DRIVER_TRACES = (
    "sys/class/drm",
    "sys/class/kfd",
    "sys/devices/virtual/kfd",
    "sys/module/amdgpu",
    "sys/bus/pci/drivers/amdgpu",
)


def rebuild(
    profile: str,
    folder: Path,
    *,
    release: str,
    drm: Path = Path("/sys/class/drm"),
    module: Path = Path("/sys/module/amdgpu"),
) -> None:
    """Build beside, then replace in two renames; nothing to do when kernel and driver are those of the tree."""
    first = first_card(drm)
    identity = [path.read_text() for name in _IDENTITY if (path := module / name).exists()]
    stamp, wanted = folder.with_name(f".{folder.name}.stamp"), f"{profile} {release} {first} {identity}\n"
    if folder.exists() and stamp.exists() and stamp.read_text() == wanted:
        return
    stamp.unlink(missing_ok=True)
    new, old = folder.with_name(f".{folder.name}.new"), folder.with_name(f".{folder.name}.old")
    for leftover in (new, old):
        shutil.rmtree(leftover, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    build(numbered(profile_named(profile), first), new, kernel_release=release)
    if first is None:
        forget_driver(new)
    else:
        copy_identity(module, new / "sys/module/amdgpu")
    if folder.exists():
        folder.rename(old)
    new.rename(folder)
    shutil.rmtree(old, ignore_errors=True)
    os.sync()  # a power cut must not leave a stamp on a tree of empty files
    stamp.write_text(wanted)


def first_card(drm: Path) -> int | None:
    """The lowest cardN that the driver has; None without a driver."""
    found = [re.fullmatch(r"card(\d+)", path.name) for path in drm.glob("card*")]
    return min((int(match[1]) for match in found if match), default=None)


def numbered(profile: Profile, first: int | None) -> Profile:
    """The profile whose cards begin with that number: what the board's own display takes, or leaves."""
    board = dataclasses.replace(profile.board, has_bmc_display=profile.board.has_bmc_display and first != 0)
    return dataclasses.replace(profile, board=board)


def copy_identity(module: Path, target: Path) -> None:
    """Which module is loaded: what tells AMD's from the kernel's own."""
    for name in _IDENTITY:
        if (module / name).exists():
            (target / name).write_bytes((module / name).read_bytes())


def forget_driver(tree: Path) -> None:
    """As after a boot into a kernel for which there is no module."""
    for path in list((tree / "sys/devices").rglob("driver")):
        if path.is_symlink() and path.readlink().name == "amdgpu":
            path.unlink()
    for path in list((tree / "sys/devices").rglob("drm")):
        shutil.rmtree(path)
    for trace in _DRIVER_TRACES:
        shutil.rmtree(tree / trace, ignore_errors=True)
    modules = tree / "proc/modules"
    modules.write_text("".join(line for line in modules.read_text().splitlines(keepends=True) if "amdgpu" not in line))


if __name__ == "__main__":
    rebuild(sys.argv[1], Path(sys.argv[2]), release=os.uname().release)
