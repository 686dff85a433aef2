"""The copy of the package `rocmox` that the node runs: kept equal to this one, file by file."""

from __future__ import annotations

from pathlib import Path

import rocmox


def package_files(source: Path) -> dict[str, bytes]:
    """Relative path → content of everything that belongs to the package (no byte code)."""
    return {
        str(path.relative_to(source)): path.read_bytes()
        for path in sorted(source.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def refresh_package(code: Path, source: Path | None = None) -> bool:
    """Make `code/rocmox` equal to `source` (default: the running package); True when anything changed.

    Files are replaced by rename, so a command that starts meanwhile reads whole files.
    """
    target = code / "rocmox"
    wanted = package_files(source or Path(rocmox.__file__).parent)
    found = package_files(target) if target.is_dir() else {}
    for name in found.keys() - wanted.keys():
        (target / name).unlink()
    changed = [name for name, content in wanted.items() if found.get(name) != content]
    for name in changed:
        path = target / name
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.new")
        temporary.write_bytes(wanted[name])
        temporary.chmod(0o644)
        temporary.replace(path)
    return bool(changed) or bool(found.keys() - wanted.keys())
