"""A log that grows: a file and its successors, a pipe, /dev/kmsg. None stands for a moment in which nothing came."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from rocmox.facts.kernel_log.scan import BLOCK_BYTES

TICK_SECONDS = 0.5


def follow_file(
    path: Path, *, from_end: bool = False, sleep: Callable[[float], None] = time.sleep
) -> Iterator[bytes | None]:
    """What is written into the file, forever; when it is rotated its successor is read, when truncated its start."""
    file: IO[bytes] | None = None
    try:
        while True:
            if file is None:
                file = _reopened(path, from_end=from_end)
                from_end = False
            block = file.read(BLOCK_BYTES) if file else b""
            if block:
                yield block
                continue
            if file and _is_replaced(file, path):
                file.close()
                file = None
            yield None
            sleep(TICK_SECONDS)
    finally:
        if file:
            file.close()


def follow_pipe(descriptor: int) -> Iterator[bytes | None]:
    """What comes through a pipe or a device until its other end is closed; /dev/kmsg gives a record with each read."""
    while True:
        ready, _, _ = select.select([descriptor], [], [], TICK_SECONDS)
        if not ready:
            yield None
            continue
        try:
            block = os.read(descriptor, BLOCK_BYTES)
        except BrokenPipeError:  # /dev/kmsg: records were overwritten before they were read
            continue
        if not block:
            return
        yield block


def _reopened(path: Path, *, from_end: bool) -> IO[bytes] | None:
    try:
        file = path.open("rb", buffering=0)
    except FileNotFoundError:
        return None
    if from_end:
        file.seek(0, os.SEEK_END)
    return file


def _is_replaced(file: IO[bytes], path: Path) -> bool:
    """Whether the name leads to another file now, or the file became shorter than what was read of it."""
    here = os.fstat(file.fileno())
    try:
        there = path.stat()
    except FileNotFoundError:
        return False
    if (here.st_dev, here.st_ino) != (there.st_dev, there.st_ino):
        return True
    if here.st_size < file.tell():
        file.seek(0)
    return False
