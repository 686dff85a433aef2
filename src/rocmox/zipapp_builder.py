"""`python -m rocmox.zipapp_builder FILE`: the standard-library part of rocmox as one executable file.

The same sources give the same bytes: names are sorted, times and modes are fixed, nothing is compiled.
"""

from __future__ import annotations

import argparse
import io
import sys
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from rocmox.files import write_whole

_SOURCES = Path(__file__).resolve().parent
_SHEBANG = b"#!/usr/bin/env python3\n"
_MAIN = b"import sys\n\nfrom rocmox.cli.main import main\n\nsys.exit(main())\n"
# What runs on a PVE host and in guests. Other commands say there what they need.
_PACKAGES = (
    *("machine", "facts", "gpu", "compatibility", "health", "host", "report", "proxmox", "containers"),
    *("bench", "engines/llamacpp/source", "engines/llamacpp/bench", "engines/llamacpp/tune"),
)
_MODULES = (
    "__init__.py",
    "errors.py",
    "files.py",
    "units.py",
    "cli/__init__.py",
    "cli/main.py",
    "cli/command_table.py",
    "cli/exit_codes.py",
    "cli/verdicts.py",
    "engines/__init__.py",
    "engines/engine.py",
    "engines/registry.py",
    "engines/llamacpp/__init__.py",
    "engines/llamacpp/engine.py",
)
_COMMANDS = (
    "cli/bench.py",
    "cli/bench_arguments.py",
    "cli/bench_compare.py",
    "cli/bench_progress.py",
    "cli/bench_report.py",
    "cli/bench_run.py",
    "cli/bench_search.py",
    "cli/capture.py",
    "cli/compatibility.py",
    "cli/gpus.py",
    "cli/health.py",
    "cli/host.py",
    "cli/host_desired.py",
    "cli/host_driver.py",
    "cli/host_events.py",
    "cli/host_upgrade.py",
    "cli/kernel_log.py",
    "cli/kernel_log_follow.py",
    "cli/llamacpp.py",
    "cli/mes.py",
    "cli/p2p.py",
    "cli/react.py",
    "cli/repair.py",
    "cli/served.py",
)
# Needs the controller's libraries or its inventory.
_STAYS = frozenset(
    {
        *(f"proxmox/{name}.py" for name in ("https", "https_failures", "session")),
        *(f"containers/{name}.py" for name in ("access", "ansible_entry", "session", "spec/inventory")),
        "report/containers.py",
    }
)
_SUFFIXES = (".py", ".toml", ".json")
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first moment that a zip file can name


def members() -> Iterator[str]:
    """Paths of the files that travel, relative to the package."""
    yield from (*_MODULES, *_COMMANDS)
    for package in _PACKAGES:
        for path in (_SOURCES / package).rglob("*"):
            name = path.relative_to(_SOURCES).as_posix()
            if path.suffix in _SUFFIXES and "__pycache__" not in path.parts and name not in _STAYS:
                yield name


def build(target: Path) -> bool:
    """Write the zipapp; False when the file already holds exactly these bytes."""
    target.parent.mkdir(parents=True, exist_ok=True)
    packed = io.BytesIO(_SHEBANG)
    packed.seek(0, io.SEEK_END)
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        _add(archive, "__main__.py", _MAIN)
        for name in sorted(members()):
            _add(archive, f"rocmox/{name}", (_SOURCES / name).read_bytes())
    if target.exists() and target.read_bytes() == packed.getvalue():
        return False
    write_whole(target, packed.getvalue(), mode=0o755)
    return True


def main(argv: Sequence[str] | None = None) -> int:
    """Build and say whether anything changed."""
    parser = argparse.ArgumentParser(description="Build the rocmox zipapp.")
    parser.add_argument("target", type=Path, nargs="?", default=Path("build/rocmox.pyz"))
    target: Path = parser.parse_args(argv).target
    print(f"{target}: {'built' if build(target) else 'unchanged'}")
    return 0


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.external_attr = 0o100644 << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(entry, content)


if __name__ == "__main__":
    sys.exit(main())
