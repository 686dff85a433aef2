"""A log that grows, is rotated and is truncated."""

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from rocmox.facts.kernel_log.follow import follow_file, follow_pipe


def blocks(reader: Iterator[bytes | None], count: int) -> list[bytes]:
    return [block for block in islice(reader, count) if block]


def reader(path: Path, *, from_end: bool = False) -> Iterator[bytes | None]:
    return follow_file(path, from_end=from_end, sleep=lambda _: None)


def test_a_file_that_grows(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"one\n")
    growing = reader(log)
    assert blocks(growing, 2) == [b"one\n"]
    with log.open("ab") as file:
        file.write(b"two\n")
    assert blocks(growing, 2) == [b"two\n"]


def test_only_what_is_new(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"old\n")
    growing = reader(log, from_end=True)
    assert blocks(growing, 2) == []
    with log.open("ab") as file:
        file.write(b"new\n")
    assert blocks(growing, 2) == [b"new\n"]


def test_a_rotated_file_is_read_to_its_end_and_then_its_successor(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"one\n")
    growing = reader(log)
    assert blocks(growing, 2) == [b"one\n"]
    with log.open("ab") as file:
        file.write(b"last\n")
    log.rename(tmp_path / "log.1")
    log.write_bytes(b"first\n")
    assert blocks(growing, 5) == [b"last\n", b"first\n"]


def test_a_file_that_is_gone_for_a_while(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"one\n")
    growing = reader(log)
    assert blocks(growing, 2) == [b"one\n"]
    log.unlink()
    assert blocks(growing, 3) == []
    log.write_bytes(b"two\n")
    assert blocks(growing, 4) == [b"two\n"]


def test_a_truncated_file_is_read_from_its_start(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"a long first line\n")
    growing = reader(log)
    assert blocks(growing, 2) == [b"a long first line\n"]
    log.write_bytes(b"two\n")
    assert blocks(growing, 4) == [b"two\n"]


def test_a_pipe_ends_with_its_writer() -> None:
    reading, writing = os.pipe()
    os.write(writing, b"one\n")
    growing = follow_pipe(reading)
    assert next(growing) == b"one\n"
    os.close(writing)
    assert [block for block in growing if block] == []
    os.close(reading)
