"""Opens a log as people keep it: plain, packed by logrotate, saved by an editor as UTF-16, or standard input."""

from __future__ import annotations

import bz2
import codecs
import gzip
import lzma
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from rocmox.errors import CannotLookError, UsageError
from rocmox.facts.kernel_log.scan import Readable

_MAGIC_BYTES = 8
_JOURNAL = b"LPKSHHRH"
_ZSTD = b"\x28\xb5\x2f\xfd"
_UTF16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_TEXT_CONTROLS = b"\t\n\r\x0b\x0c\x1b\0\x08"
_CONTROLS = bytes(code for code in range(32) if code not in _TEXT_CONTROLS)
_MOST_CONTROLS = 0.05


class LogSource:
    """Reads blocks; `damage` says why it ended too early, or that this is not text. Never raises while reading."""

    def __init__(self, source: Readable, name: str) -> None:
        self.name = name
        self.damage = ""
        self._source = source
        self._decoder: codecs.IncrementalDecoder | None = None
        self._is_first = True

    def read(self, size: int, /) -> bytes:
        """Like a file's; b"" at the end or at what cannot be read."""
        try:
            block = self._source.read(size)
        except (OSError, EOFError, zlib.error, lzma.LZMAError, ValueError) as error:
            self.damage = f"{self.name} cannot be read to its end: {error or type(error).__name__}"
            return b""
        if self._is_first and block:
            self._look(block)
        if self._decoder:
            text = self._decoder.decode(block, final=not block)
            return text.encode(errors="replace") or (self.read(size) if block else b"")
        return block or b""

    def _look(self, block: bytes) -> None:
        self._is_first = False
        encoding = _UTF16.get(block[:2])
        if encoding:
            self._decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
        elif len(block) - len(block.translate(None, _CONTROLS)) > _MOST_CONTROLS * len(block):
            self.damage = f"{self.name} is not text"


@contextmanager
def open_log(name: str) -> Iterator[LogSource]:
    """A file, or `-` for standard input; UsageError when there is none, CannotLookError when it may not be read."""
    if name == "-":
        yield LogSource(sys.stdin.buffer, "standard input")
        return
    path = Path(name)
    if path.is_dir():
        raise UsageError(f"{name} is a directory", remedy="Give a file, or - for standard input.")
    try:
        with path.open("rb", buffering=0) as raw:
            yield LogSource(_unpacked(raw, name), name)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UsageError(f"{name}: no such file", remedy="Give a file, or - for standard input.") from error
    except PermissionError as error:
        raise CannotLookError(f"{name} may not be read by this user", remedy="Run it as root.") from error
    except ValueError as error:
        raise UsageError(
            f"{name!r} is not a file name: {error}", remedy="Give a file, or - for standard input."
        ) from error


def _unpacked(raw: IO[bytes], name: str) -> Readable:
    """The file's content, told by its first bytes; devices and pipes are taken as they are."""
    if not raw.seekable():
        return raw
    magic = raw.read(_MAGIC_BYTES)
    raw.seek(0)
    if magic == _JOURNAL:
        raise UsageError(
            f"{name} is a journal file, not its text",
            remedy=f"Run `journalctl --file {name} --dmesg --output json | rocmox kernel-log -`.",
        )
    if magic.startswith(_ZSTD):
        raise UsageError(f"{name} is packed by zstd", remedy=f"Run `zstdcat {name} | rocmox kernel-log -`.")
    if magic.startswith(b"\x1f\x8b"):
        return gzip.GzipFile(fileobj=raw)
    if magic.startswith(b"\xfd7zXZ"):
        return lzma.LZMAFile(raw)
    return bz2.BZ2File(raw) if magic.startswith(b"BZh") else raw
