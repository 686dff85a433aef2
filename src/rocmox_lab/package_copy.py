"""The copies of the packages `rocmox` and `rocmox_lab` that the node runs: kept equal to these, file by file."""

from __future__ import annotations

from pathlib import Path

import rocmox_lab
from rocmox.files import write_whole

_NAMES = ("rocmox", "rocmox_lab")
_RUNNING = Path(rocmox_lab.__file__).parents[1]


def package_files(source: Path) -> dict[str, bytes]:
    """Relative path → content of everything that belongs to the package (no byte code)."""
    return {
        str(path.relative_to(source)): path.read_bytes()
        for path in sorted(source.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def running_packages() -> dict[str, bytes]:
    """Relative path → content of both packages as they run here."""
    return {f"{name}/{file}": data for name in _NAMES for file, data in package_files(_RUNNING / name).items()}


def refresh_packages(code: Path) -> bool:
    """Make both packages below `code` equal to the running ones; True when anything changed."""
    changed = [refresh_package(code / name, _RUNNING / name) for name in _NAMES]
    return any(changed)


def refresh_package(target: Path, source: Path) -> bool:
    """Make the folder `target` equal to `source`; True when anything changed.

    Files are replaced by rename, so a command that starts meanwhile reads whole files.
    """
    wanted = package_files(source)
    found = package_files(target) if target.is_dir() else {}
    for name in found.keys() - wanted.keys():
        (target / name).unlink()
    changed = [name for name, content in wanted.items() if found.get(name) != content]
    for name in changed:
        path = target / name
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        write_whole(path, wanted[name], durable=False)
    return bool(changed) or bool(found.keys() - wanted.keys())
