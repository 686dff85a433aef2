"""The file system of the storage `local` runs full: little is left below its `images`, for the kernel to refuse.

A small tmpfs takes the place of the folder; the disks that exist stay where they are and are linked into it.
"""

from __future__ import annotations

from rocmox_lab.faults.fault import Fault, Parameter, Values
from rocmox_lab.faults.target import FaultTarget

_IMAGES, _ASIDE = "/var/lib/vz/images", "/run/rocmox-disk-full"
_FILL = """set -eu
mkdir -p "$1" "$2"
mount --bind "$1" "$2"
mount --make-private "$2"
mount -t tmpfs -o "size=$3m,mode=0755" rocmox-disk-full "$1"
for entry in "$2"/*; do [ ! -e "$entry" ] || ln -s "$entry" "$1/"; done
"""
_EMPTY = """set -eu
if findmnt -n -t tmpfs "$1" >/dev/null; then
    for entry in "$1"/*; do
        if [ -d "$entry" ] && [ ! -L "$entry" ]; then cp -a --sparse=always "$entry" "$2/"; fi
    done
    umount --lazy "$1"
fi
if findmnt -n "$2" >/dev/null; then umount --lazy "$2"; fi
"""


def apply(target: FaultTarget, values: Values) -> None:
    """Leave no more than `free_mib`."""
    target.run(["sh", "-c", _FILL, "fill", _IMAGES, _ASIDE, str(values["free_mib"])]).check()


def clear(target: FaultTarget, _values: Values) -> None:
    """The storage as it was; what was made meanwhile is kept as it is on disk."""
    target.run(["sh", "-c", _EMPTY, "empty", _IMAGES, _ASIDE]).check()


FAULT = Fault(
    name="disk-full",
    summary="the storage `local` has hardly any space left, and its API does not know yet",
    parameters=(Parameter(name="free_mib", default=64, meaning="what is left for new disks"),),
    apply=apply,
    clear=clear,
)
