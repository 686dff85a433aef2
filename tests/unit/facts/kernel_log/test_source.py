"""Logs as people keep them."""

import bz2
import gzip
import lzma
from pathlib import Path

import pytest

from rocmox.errors import CannotLookError, UsageError
from rocmox.facts.kernel_log.source import LogSource, open_log

TEXT = b"[    1.0] amdgpu 0000:03:00.0: amdgpu: GPU reset begin!\n" * 100


def read(path: Path) -> tuple[bytes, str]:
    with open_log(str(path)) as source:
        blocks = []
        while block := source.read(100):
            blocks.append(block)
        return b"".join(blocks), source.damage


@pytest.mark.parametrize(
    "packed",
    [
        TEXT,
        gzip.compress(TEXT),
        lzma.compress(TEXT),
        bz2.compress(TEXT),
        b"\xff\xfe" + TEXT.decode().encode("utf-16-le"),
    ],
    ids=["plain", "gzip", "xz", "bzip2", "UTF-16"],
)
def test_it_is_unpacked_by_its_first_bytes(packed: bytes, tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(packed)
    content, damage = read(tmp_path / "log")
    assert (content.decode().lstrip("\ufeff").encode(), damage) == (TEXT, "")


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress, bz2.compress])
def test_a_truncated_one_says_so(pack: object, tmp_path: Path) -> None:
    assert callable(pack)
    (tmp_path / "log").write_bytes(pack(TEXT)[:-20])
    assert "cannot be read to its end" in read(tmp_path / "log")[1]


def test_what_is_no_text_says_so(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(bytes(range(256)) * 40)
    assert read(tmp_path / "log")[1].endswith("is not text")


@pytest.mark.parametrize(
    ("content", "said"), [(b"LPKSHHRH....", "journalctl --file"), (b"\x28\xb5\x2f\xfd....", "zstdcat")]
)
def test_forms_that_need_another_tool_name_it(content: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(content)
    with pytest.raises(UsageError) as caught, open_log(str(tmp_path / "log")):
        pass
    assert said in caught.value.remedy


def test_what_is_not_there_is_wrong_usage(tmp_path: Path) -> None:
    for name in (str(tmp_path / "none"), str(tmp_path), "a\0b", f"{tmp_path}/x/y"):
        with pytest.raises(UsageError), open_log(name):
            pass


def test_a_file_that_may_not_be_read_is_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object, **_more: object) -> None:
        raise PermissionError

    (tmp_path / "log").write_bytes(TEXT)
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(CannotLookError, match="may not be read"), open_log(str(tmp_path / "log")):
        pass


def test_a_reader_that_fails_ends_the_log() -> None:
    class Broken:
        def read(self, _size: int, /) -> bytes:
            raise OSError(5, "Input/output error")

    source = LogSource(Broken(), "disk")
    assert source.read(10) == b""
    assert "Input/output error" in source.damage
