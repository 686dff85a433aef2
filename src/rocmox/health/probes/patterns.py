"""Random contents for device memory, and the search for bytes that differ. Travels to the machine under test.

Before a copy a buffer holds the complement of what the copy must bring, so every byte that was not copied differs.
Contents are made chunk by chunk from a pool of random bytes, so a test of 256 MiB needs no 256 MiB of host memory.
"""

from __future__ import annotations

import ctypes
import dataclasses
import os
import random
import re
from typing import Any, Protocol

CHUNK_BYTES = 16 << 20
_COMPLEMENT = bytes(255 - value for value in range(256))
_NOT_ZERO = re.compile(rb"[^\0]")
_FEW = 64  # so many stale bytes in a row of coincidences do not happen: 256 ** -64
_compare = ctypes.CDLL(None).memcmp
_compare.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t]
_compare.restype = ctypes.c_int


class Pool:
    """Random bytes of the system and their complements, twice as long as a chunk: chunks differ by where they begin."""

    def __init__(self, largest_bytes: int) -> None:
        self.chunk_bytes = min(CHUNK_BYTES, largest_bytes)
        self.fresh = os.urandom(2 * self.chunk_bytes)
        self.stale = self.fresh.translate(_COMPLEMENT)

    def linear(self, length: int) -> Linear:
        """New contents of `length` bytes: each has its own beginnings in the pool."""
        chunks = -(-length // self.chunk_bytes)
        starts = random.SystemRandom().sample(range(self.chunk_bytes), chunks)
        return Linear(pool=self, length=length, starts=tuple(starts))


class Content(Protocol):
    """What a buffer must hold (or, `stale`, what it holds before the copy), in pieces: the offset and the bytes."""

    @property
    def length(self) -> int: ...
    @property
    def payload(self) -> int: ...
    @property
    def count(self) -> int: ...
    def piece(self, number: int, *, stale: bool) -> tuple[int, bytes]: ...


@dataclasses.dataclass(frozen=True)
class Linear:
    """Bytes in a row."""

    pool: Pool
    length: int
    starts: tuple[int, ...]

    @property
    def payload(self) -> int:
        """All of it is copied."""
        return self.length

    @property
    def count(self) -> int:
        """Chunks, the last one perhaps shorter."""
        return len(self.starts)

    def piece(self, number: int, *, stale: bool) -> tuple[int, bytes]:
        """One chunk."""
        size, start = self.pool.chunk_bytes, self.starts[number]
        end = start + min(size, self.length - number * size)
        return number * size, (self.pool.stale if stale else self.pool.fresh)[start:end]


@dataclasses.dataclass(frozen=True)
class Rows:
    """The rows of `source` (each `width` bytes), each followed by a gap that the copy must leave alone."""

    source: Linear
    width: int
    pitch: int

    @property
    def length(self) -> int:
        """Rows and gaps."""
        return self.payload // self.width * self.pitch

    @property
    def payload(self) -> int:
        """The rows alone."""
        return self.source.length

    @property
    def count(self) -> int:
        """As many as the source has."""
        return self.source.count

    def piece(self, number: int, *, stale: bool) -> tuple[int, bytes]:
        """The rows of one chunk of the source; the gaps are the same before and after."""
        offset, rows = self.source.piece(number, stale=stale)
        gap = self.source.pool.stale[: self.pitch - self.width]
        spread = b"".join(rows[at : at + self.width] + gap for at in range(0, len(rows), self.width))
        return offset // self.width * self.pitch, spread


@dataclasses.dataclass(kw_only=True)
class Difference:
    """What was found: `wrong` bytes, of which `stale` are as before the copy; the `first` offset; of `payload`."""

    payload: int
    wrong: int = 0
    stale: int = 0
    first: int | None = None

    @property
    def kind(self) -> str | None:
        """None, "unchanged" (nothing was copied), "partial" (some was not copied) or "scattered"."""
        if not self.wrong:
            return None
        if self.stale == self.wrong == self.payload:
            return "unchanged"
        return "partial" if self.stale == self.wrong >= _FEW else "scattered"

    def as_answer(self) -> dict[str, Any]:
        """The same as JSON."""
        return {"kind": self.kind, "wrong": self.wrong, "first": self.first, "payload": self.payload}

    def look(self, content: Content, number: int, found: ctypes.Array[ctypes.c_char], fresh: bytes) -> None:
        """Add what one piece says: `found` on the device, `fresh` is right."""
        if not _compare(ctypes.addressof(found), fresh, len(fresh)):
            return
        offset, stale = content.piece(number, stale=True)
        got = int.from_bytes(memoryview(found)[: len(fresh)], "little")
        unlike_fresh, unlike_stale = (got ^ int.from_bytes(content, "little") for content in (fresh, stale))
        differing = unlike_fresh.to_bytes(len(fresh), "little")
        match = _NOT_ZERO.search(differing)
        if self.first is None and match:
            self.first = offset + match.start()
        self.wrong += len(fresh) - differing.count(0)
        # The gaps of Rows are the same in both: a byte there is stale and right at once, and does not count.
        right = (unlike_fresh | unlike_stale).to_bytes(len(fresh), "little").count(0)
        self.stale += unlike_stale.to_bytes(len(fresh), "little").count(0) - right
