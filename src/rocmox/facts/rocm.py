"""ROCm on a machine: its version, and for which architectures rocBLAS has kernels (AMD's or a distribution's)."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable

from rocmox.errors import CannotLookError
from rocmox.facts.reading import list_names, read_text
from rocmox.machine.base import Machine

_VERSION = re.compile(r"(\d{1,3})\.(\d{1,3})(?:\.(\d{1,3}))?")
_ARCHITECTURE = re.compile(r"(?<![0-9a-z])(gfx[0-9a-f]{3,4})(?![0-9a-f])")
_OPT = re.compile(r"rocm(?:-[\d.]{1,12})?")
_LIBRARY_FOLDERS = ("/usr/lib/x86_64-linux-gnu/rocblas", "/usr/lib64/rocblas", "/usr/lib/rocblas")


@dataclasses.dataclass(frozen=True, kw_only=True)
class RocBlas:
    """One installed library folder and the architectures with code or Tensile data in it."""

    folder: str
    architectures: frozenset[str]


def parse_version(text: str) -> tuple[int, int, int]:
    """`"6.2.4-139"` as (6, 2, 4); CannotLookError when it begins with no version."""
    match = _VERSION.match(text.strip())
    if match is None:
        raise CannotLookError(f"{text.strip()[:40]!r} is not a version of ROCm")
    return int(match[1]), int(match[2]), int(match[3] or 0)


def parse_architectures(names: Iterable[str]) -> frozenset[str]:
    """Architectures in names such as `TensileLibrary_lazy_gfx906.dat` and `Kernels.so-000-gfx906-xnack-.hsaco`."""
    return frozenset(found for name in names for found in _ARCHITECTURE.findall(name))


def read_version(machine: Machine) -> tuple[int, int, int]:
    """ROCm's version as AMD's packages note it; CannotLookError where they are not installed."""
    return parse_version(read_text(machine, "/opt/rocm/.info/version"))


def read_rocblas(machine: Machine) -> list[RocBlas]:
    """Every rocBLAS of the machine; empty where there is none."""
    found = []
    for folder in _folders(machine):
        try:
            found.append(RocBlas(folder=folder, architectures=parse_architectures(list_names(machine, folder))))
        except CannotLookError:
            continue
    return found


def _folders(machine: Machine) -> list[str]:
    """`…/rocblas/library`, or `…/rocblas/VERSION/library` as Debian lays it out; links to the same place once."""
    roots = []
    if machine.exists("/opt"):
        names = (name for name in list_names(machine, "/opt") if _OPT.fullmatch(name))
        roots = [f"/opt/{name}/lib/rocblas" for name in names]
    folders: dict[str, str] = {}
    for root in (*roots, *_LIBRARY_FOLDERS):
        if not machine.exists(root):
            continue
        below = [f"{root}/library", *(f"{root}/{name}/library" for name in list_names(machine, root))]
        for folder in filter(machine.exists, below):
            folders.setdefault(machine.resolve_link(folder), folder)
    return list(folders.values())
