import os
import shutil
from pathlib import Path

import pytest

from rocmox_lab.pve.runtime import loop_device, volumes
from rocmox_lab.pve.runtime_protocol import RuntimeFailedError

MIB = 1024**2
pytestmark = pytest.mark.skipif(
    shutil.which("mkfs.ext4", path=os.environ["PATH"] + ":/usr/sbin") is None, reason="no e2fsprogs"
)


@pytest.fixture(autouse=True)
def _administrators_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.environ["PATH"] + ":/usr/sbin:/sbin")


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "101/vm-101-disk-0.raw"
    volumes.create(path=str(path), size_bytes=64 * MIB, unprivileged=True, log=lambda _: None)
    return path


def test_an_image_is_sparse_and_formatted(image: Path) -> None:
    assert image.stat().st_size == 64 * MIB
    assert image.stat().st_blocks * 512 < 16 * MIB
    assert image.read_bytes()[1080:1082] == b"\x53\xef"  # ext4's magic number, little endian


def test_the_log_has_mkfs_lines(tmp_path: Path) -> None:
    lines = []
    volumes.create(path=str(tmp_path / "a.raw"), size_bytes=64 * MIB, unprivileged=False, log=lines.append)
    assert lines[0].startswith("Creating filesystem with")


def test_an_image_in_the_way_is_kept(image: Path) -> None:
    with pytest.raises(RuntimeFailedError, match="already exists"):
        volumes.create(path=str(image), size_bytes=MIB, unprivileged=True, log=lambda _: None)
    assert image.stat().st_size == 64 * MIB


def test_growing_and_refusing_to_shrink(image: Path) -> None:
    volumes.resize(path=str(image), size_bytes=128 * MIB)
    assert image.stat().st_size == 128 * MIB
    with pytest.raises(RuntimeFailedError, match="unable to shrink disk size"):
        volumes.resize(path=str(image), size_bytes=MIB)


def test_a_file_system_behind_its_image_catches_up(image: Path) -> None:
    os.truncate(image, 96 * MIB)
    volumes.grow_to_image(str(image))
    blocks = int.from_bytes(image.read_bytes()[1028:1032], "little")
    log_size = int.from_bytes(image.read_bytes()[1048:1052], "little")
    assert blocks * (1024 << log_size) == 96 * MIB


def test_a_full_storage_is_refused_before_anything_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(volumes, "_HEADROOM_BYTES", 1 << 60)
    with pytest.raises(RuntimeFailedError, match="No space left on device"):
        volumes.create(path=str(tmp_path / "x.raw"), size_bytes=MIB, unprivileged=True, log=lambda _: None)
    assert not (tmp_path / "x.raw").exists()


def test_freeing_takes_the_half_made_image_too(image: Path) -> None:
    partial = image.with_name(image.name + ".partial")
    partial.touch()
    volumes.free(path=str(image))
    volumes.free(path=str(image))
    assert not image.parent.exists()


def test_an_image_nobody_uses_has_no_loop_device(image: Path, tmp_path: Path) -> None:
    assert loop_device.users_of(str(image), tmp_path, tmp_path) == []
    assert loop_device.users_of(str(tmp_path / "none"), tmp_path, tmp_path) == []
