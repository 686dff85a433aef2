from __future__ import annotations

import os
from pathlib import Path

import pytest

from rocmox.files import replacing, write_whole


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o755])
def test_a_new_file_has_its_content_and_exactly_its_mode(tmp_path: Path, mode: int) -> None:
    old = os.umask(0o077)
    try:
        write_whole(tmp_path / "file", "é\n", mode=mode)
    finally:
        os.umask(old)
    assert (tmp_path / "file").read_bytes() == "é\n".encode()
    assert (tmp_path / "file").stat().st_mode & 0o7777 == mode
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("durable", [True, False])
def test_an_error_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path, durable: bool) -> None:  # noqa: FBT001
    path = tmp_path / "file"
    write_whole(path, b"old")
    with pytest.raises(KeyboardInterrupt):
        _interrupted(path, durable=durable)
    assert path.read_text() == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def _interrupted(path: Path, *, durable: bool) -> None:
    with replacing(path, durable=durable) as partial:
        partial.write_text("half")
        raise KeyboardInterrupt


def test_a_symbolic_link_is_replaced_and_its_target_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("kept")
    (tmp_path / "link").symlink_to("target")
    write_whole(tmp_path / "link", "new")
    assert not (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_text() == "kept"


def test_readers_see_the_old_file_until_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_whole(path, "old")
    with replacing(path, mode=0o644) as partial:
        partial.write_text("new")
        assert path.read_text() == "old"
        assert partial.parent == path.parent
        assert partial.stat().st_mode & 0o777 == 0o600
    assert path.read_text() == "new"


def test_a_program_may_put_its_own_file_in_place(tmp_path: Path) -> None:
    with replacing(tmp_path / "library", mode=0o755) as partial:
        partial.unlink()
        partial.write_bytes(b"linked")
    assert (tmp_path / "library").read_bytes() == b"linked"


def test_a_missing_folder_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_whole(tmp_path / "none" / "file", "x")


def test_what_a_killed_process_left_goes_and_what_a_living_one_writes_stays(tmp_path: Path) -> None:
    (tmp_path / ".file.99999999.x.partial").write_text("ha")
    (tmp_path / ".file.1.y.partial").write_text("half")
    (tmp_path / ".file.note.partial").write_text("whose?")
    write_whole(tmp_path / "file", "whole")
    assert sorted(each.name for each in tmp_path.iterdir()) == [".file.1.y.partial", ".file.note.partial", "file"]
