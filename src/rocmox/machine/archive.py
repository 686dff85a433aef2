"""Reads an archive that a stranger made: everything that a capture does not need is refused before it can do harm."""

from __future__ import annotations

import bz2
import gzip
import lzma
import posixpath
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, cast

from rocmox.errors import UsageError

MOST_MEMBERS = 200_000
LARGEST_BYTES = 64 << 20
MOST_BYTES = 256 << 20
_TOP = frozenset({"sys", "proc", "dev", "boot", "run"})  # where links of a machine's own trees point
_REMEDY = "Give a folder or a .tar.gz that holds `sys/`, `proc/` … of a machine, such as `rocmox capture` makes."

# A member's name with its content, the target of its link, or None for a directory.
Member = tuple[str, bytes | str | None]


class _Limited:
    """Stops a stream that unpacks to more than any capture holds."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self._read_bytes = 0

    def read(self, size: int = -1) -> bytes:
        block = self._source.read(min(size, 1 << 20) if size >= 0 else 1 << 20)
        self._read_bytes += len(block)
        if self._read_bytes > MOST_BYTES:
            raise UsageError(f"the capture unpacks to more than {MOST_BYTES >> 20} MiB", remedy=_REMEDY)
        return block


def read_members(place: Path) -> Iterator[Member]:
    """Every member in order; UsageError for what is not an archive, truncated, too big, or leads out of itself."""
    is_empty = True
    try:
        with place.open("rb") as raw:
            limited = cast("Any", _Limited(_unpacked(raw)))
            with tarfile.open(fileobj=limited, mode="r|") as archive:
                for count, member in enumerate(archive):
                    if count >= MOST_MEMBERS:
                        raise _refused(place, f"more than {MOST_MEMBERS} members")
                    is_empty = False
                    yield _read(archive, member, place)
    except (OSError, EOFError, tarfile.TarError, zlib.error, lzma.LZMAError, ValueError) as error:
        raise UsageError(f"{place} is not a capture: {error or type(error).__name__}", remedy=_REMEDY) from error
    if is_empty:
        raise _refused(place, "it holds nothing")


def _read(archive: tarfile.TarFile, member: tarfile.TarInfo, place: Path) -> Member:
    name = member.name
    if name.startswith("/") or ".." in name.split("/") or "\0" in name:
        raise _refused(place, f"{name!r} leads out of it")
    if member.isdir():
        return name, None
    if member.issym():
        if _leads_out(name, member.linkname):
            raise _refused(place, f"the link {name!r} to {member.linkname!r} leads out of it")
        return name, member.linkname
    if not member.isfile():
        raise _refused(place, f"{name!r} is neither a file, a directory nor a symbolic link")
    if member.size > LARGEST_BYTES:
        raise _refused(place, f"{name!r} has {member.size} bytes")
    content = archive.extractfile(member)
    return name, content.read() if content else b""


def _leads_out(name: str, target: str) -> bool:
    """Absolute links stay within a machine's trees; relative ones below the archive's root."""
    if target.startswith("/"):
        parts = posixpath.normpath(target).split("/")
        return len(parts) < 2 or parts[1] not in _TOP  # noqa: PLR2004 - "/" alone has no first directory
    depth = posixpath.normpath(posixpath.join(posixpath.dirname(posixpath.normpath(name)), target))
    return depth == ".." or depth.startswith("../")


def _refused(place: Path, why: str) -> UsageError:
    return UsageError(f"{place} is refused: {why}", remedy=_REMEDY)


def _unpacked(raw: IO[bytes]) -> IO[bytes]:
    magic = raw.read(6)
    raw.seek(0)
    if magic.startswith(b"\x1f\x8b"):
        return cast("IO[bytes]", gzip.GzipFile(fileobj=raw))
    if magic.startswith(b"\xfd7zXZ"):
        return cast("IO[bytes]", lzma.LZMAFile(raw))
    return cast("IO[bytes]", bz2.BZ2File(raw)) if magic.startswith(b"BZh") else raw
