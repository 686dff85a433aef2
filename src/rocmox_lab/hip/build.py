"""Compiles the stand-in, and tells it what to be."""

from __future__ import annotations

from pathlib import Path

from rocmox.errors import CannotLookError
from rocmox.files import replacing, write_whole
from rocmox.machine import Machine

LIBRARY = "libamdhip64.so"
MODES = (
    "healthy",
    "no-access",
    "no-copy",
    "one-way",
    "partial",
    "corrupt",
    "changes-source",
    "crowd",
    "crash",
    "abort",
    "hang",
    "slow",
    "fails",
    "out-of-memory",
    "no-device",
)
_SOURCES = Path(__file__).parent
_FLAGS = ("-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-D__HIP_PLATFORM_AMD__")


def build(machine: Machine, folder: Path, *, headers: Path | None = None) -> Path:
    """`folder/libamdhip64.so`, against HIP's own headers where they are given; CommandError when cc refuses.

    It is replaced by rename: a process that has the old one loaded keeps it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    include = headers or _SOURCES / "include"
    sources = sorted(str(path) for path in _SOURCES.glob("*.c"))
    compiler = ["cc", *_FLAGS, "-isystem", str(include), "-I", str(_SOURCES), *sources]
    with replacing(folder / LIBRARY, mode=0o755) as partial:
        command = [*compiler, "-o", str(partial), "-ldl"]
        machine.run(command, timeout_seconds=120).check(remedy="Install a C compiler: apt install gcc libc6-dev.")
    return folder / LIBRARY


def configure(library: Path, words: str) -> None:
    """What the library is to be from its next start on: `mode=corrupt every=4096`."""
    if not library.exists():
        raise CannotLookError(f"{library} is not there to be told anything")
    write_whole(library.with_name(f"{library.name}.conf"), f"{words}\n")
