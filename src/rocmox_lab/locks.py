"""Locks between processes: flock on a file, released by the kernel when its holder dies, SIGKILL included."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from rocmox_lab.progress import Progress
from rocmox_lab.settings import LABS_DIRECTORY


@contextlib.contextmanager
def locked(path: Path, *, progress: Progress | None = None, waiting_for: str = "") -> Iterator[None]:
    """Hold the lock file; says once that it waits. Survives that the previous holder unlinked the file."""
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as stream:
            if not _lock(stream, progress, waiting_for):
                continue
            if not _is_still(stream, path):
                continue
            yield
            return


def _lock(stream: IO[str], progress: Progress | None, waiting_for: str) -> bool:
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        if progress is not None:
            progress.say(f"waiting for {waiting_for or 'another rocmox process'} …")
        fcntl.flock(stream, fcntl.LOCK_EX)
    return True


def _is_still(stream: IO[str], path: Path) -> bool:
    try:
        return os.fstat(stream.fileno()).st_ino == path.stat().st_ino
    except FileNotFoundError:
        return False


def machine_lock_file() -> Path:
    """Guards what all labs share: subnet numbers, ip_forward, the runtime directory."""
    return LABS_DIRECTORY / ".machine.lock"


def lab_lock_file(name: str) -> Path:
    """Guards one lab: `up` and `down` of the same name take turns."""
    return LABS_DIRECTORY / f".{name}.lock"


@contextlib.contextmanager
def machine_locked() -> Iterator[None]:
    """Hold the lock on what all labs of this machine share."""
    with locked(machine_lock_file()):
        yield
