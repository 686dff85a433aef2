"""Files that cannot be read or replaced are answers, and what was there stays."""

import os
from pathlib import Path

import pytest

from rocmox.engines.llamacpp.source.source_text import read_exactly, read_loosely, replace_text
from rocmox.errors import CannotLookError, RefusedError


def test_bytes_that_are_no_text_are_refused_with_their_place(tmp_path: Path) -> None:
    path = tmp_path / "mmvq.cu"
    path.write_bytes(b"int x;\xff\n")
    with pytest.raises(RefusedError, match="byte 6"):
        read_exactly(path)
    assert read_loosely(path).startswith("int x;")


def test_a_folder_in_place_of_a_file_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(CannotLookError, match="cannot be read"):
        read_exactly(tmp_path)
    with pytest.raises(CannotLookError, match="cannot be read"):
        read_loosely(tmp_path)


def test_a_read_only_file_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "mmvq.cu"
    path.write_text("old\n")
    path.chmod(0o444)
    replace_text(path, "new\n")
    assert path.read_text() == "new\n"
    assert path.stat().st_mode & 0o7777 == 0o444
    assert [entry.name for entry in tmp_path.iterdir()] == ["mmvq.cu"]


def test_what_a_killed_run_left_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "mmvq.cu"
    path.write_text("old\n")
    (tmp_path / ".mmvq.cu.99999999.x.partial").write_text("ne")
    replace_text(path, "new\n")
    assert path.read_text() == "new\n"
    assert [entry.name for entry in tmp_path.iterdir()] == ["mmvq.cu"]


def test_a_disk_without_room_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "mmvq.cu"
    path.write_text("old\n")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RefusedError, match="No space left on device"):
        replace_text(path, "new\n")
    assert path.read_text() == "old\n"
    assert [entry.name for entry in tmp_path.iterdir()] == ["mmvq.cu"]
