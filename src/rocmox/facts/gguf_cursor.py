"""A reading position in a GGUF file that is fetched piece by piece."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import NoReturn

from rocmox.errors import UsageError

_PIECE_BYTES = 1 << 18
_LONGEST_HEADER_BYTES = 1 << 28  # real ones, vocabulary included, stay below 64 MiB


class Cursor:
    """Reads forward; at most one piece is in memory, and nothing behind the end of the file is asked for."""

    def __init__(self, *, fetch: Callable[[int, int], bytes], size_bytes: int, where: str) -> None:
        self._fetch = fetch
        self.size_bytes = size_bytes
        self._where = where
        self._piece = b""
        self._piece_offset = 0
        self.position = 0
        self.fetched_bytes = 0

    def fail(self, why: str, *, remedy: str = "") -> NoReturn:
        """UsageError with the file and the place in it."""
        raise UsageError(
            f"{self._where}: {why} (at byte {self.position})",
            remedy=remedy or "Download the file again and compare its checksum.",
        )

    def take(self, count: int, what: str) -> bytes:
        """The next `count` bytes."""
        start = self.position - self._piece_offset
        if start + count > len(self._piece):
            self._load(count, what)
            start = 0
        self.position += count
        return self._piece[start : start + count]

    def skip(self, count: int, what: str) -> None:
        """Step over `count` bytes without fetching them."""
        if self.position + count > self.size_bytes:
            self._cut_off(what)
        self.position += count

    def unsigned32(self, what: str) -> int:
        """A 32-bit number."""
        return int.from_bytes(self.take(4, what), "little")

    def unsigned64(self, what: str) -> int:
        """A 64-bit number."""
        return int.from_bytes(self.take(8, what), "little")

    def string(self, what: str, *, longest: int, keep_bytes: int = 1 << 30) -> str:
        """A string; of one longer than `keep_bytes` (a chat template) only the beginning is kept."""
        length = self._length(what, longest)
        kept = self.take(min(length, keep_bytes), what)
        self.skip(length - len(kept), what)
        return kept.decode(errors="replace")

    def skip_strings(self, count: int, what: str, *, longest: int) -> None:
        """Step over so many strings; the inner loop works on the piece, a vocabulary has 250,000."""
        if self.position + 8 * count > self.size_bytes:
            self._cut_off(what)
        unpack = struct.Struct("<Q").unpack_from
        for _ in range(count):
            start = self.position - self._piece_offset
            if start + 8 > len(self._piece):
                self._load(8, what)
                start = 0
            length = unpack(self._piece, start)[0]
            if length > longest:
                self.fail(f"{what}: a string of {length} bytes")
            self.position += 8 + length
            if self.position > self.size_bytes:
                self._cut_off(what)

    def _length(self, what: str, longest: int) -> int:
        length = self.unsigned64(what)
        if length > longest:
            self.fail(f"{what} is announced with {length} bytes")
        if self.position + length > self.size_bytes:
            self._cut_off(what)
        return length

    def _load(self, count: int, what: str) -> None:
        if self.position + count > self.size_bytes:
            self._cut_off(what)
        if self.fetched_bytes > _LONGEST_HEADER_BYTES:
            self.fail(f"its header is longer than {_LONGEST_HEADER_BYTES >> 20} MiB")
        wanted = min(max(count, _PIECE_BYTES), self.size_bytes - self.position)
        self._piece = self._fetch(self.position, wanted)
        self._piece_offset = self.position
        self.fetched_bytes += len(self._piece)
        if len(self._piece) < count:
            self._cut_off(what)

    def _cut_off(self, what: str) -> NoReturn:
        self.fail(f"the file of {self.size_bytes} bytes ends inside {what}")


class RecordingCursor(Cursor):
    """Keeps what was read, blanks in place of what was stepped over: a header small enough to be sent elsewhere."""

    def __init__(self, *, fetch: Callable[[int, int], bytes], size_bytes: int, where: str) -> None:
        super().__init__(fetch=fetch, size_bytes=size_bytes, where=where)
        self._kept: list[bytes] = []

    @property
    def kept(self) -> bytes:
        """The file up to here, as far as it was asked for."""
        return b"".join(self._kept)

    def take(self, count: int, what: str) -> bytes:
        """The next `count` bytes, kept."""
        content = super().take(count, what)
        self._kept.append(content)
        return content

    def skip(self, count: int, what: str) -> None:
        """Step over `count` bytes and keep as many blanks."""
        super().skip(count, what)
        if self.position > _LONGEST_HEADER_BYTES:
            self.fail(f"its header is longer than {_LONGEST_HEADER_BYTES >> 20} MiB")
        self._kept.append(bytes(count))

    def skip_strings(self, count: int, what: str, *, longest: int) -> None:
        """Step over so many strings: their lengths are kept, their words are not."""
        if self.position + 8 * count > self.size_bytes:
            self._cut_off(what)
        for _ in range(count):
            length = self.unsigned64(what)
            if length > longest:
                self.fail(f"{what}: a string of {length} bytes")
            self.skip(length, what)
