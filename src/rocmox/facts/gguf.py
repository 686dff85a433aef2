"""The header of a GGUF file: metadata and the list of tensors, never their data (`gguf_dump.py --no-tensors`).

Versions 2 and 3, little endian (docs/gguf.md and src/gguf.cpp of ggml). Long arrays, such as a vocabulary, are stepped
over without being kept, so memory stays flat. Whatever contradicts the format is a UsageError that names the place.
"""

from __future__ import annotations

import dataclasses
import math
import struct
from collections.abc import Callable

from rocmox.facts.ggml_types import BY_NUMBER, GgmlType
from rocmox.facts.gguf_cursor import Cursor

_MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_MOST_KEYS = 65_536
_MOST_TENSORS = 65_536
_MOST_DIMENSIONS = 4
_LONGEST_NAME_BYTES = 65_535
_LONGEST_STRING_BYTES = 1 << 30
_MOST_ELEMENTS = 1 << 30
_MOST_STRINGS = 1 << 22  # the largest vocabularies and their merges have less than a million
_KEPT_ELEMENTS = 4096  # per-layer lists are kept, vocabularies are not
_LARGEST_DIMENSION = 1 << 48
_ALIGNMENT = 32  # GGUF_DEFAULT_ALIGNMENT

_STRING, _ARRAY = 8, 9
_SCALARS = {
    0: "<B",
    1: "<b",
    2: "<H",
    3: "<h",
    4: "<I",
    5: "<i",
    6: "<f",
    7: "<?",
    10: "<Q",
    11: "<q",
    12: "<d",
}

Scalar = int | float | bool | str
Value = Scalar | tuple[Scalar, ...] | None


@dataclasses.dataclass(frozen=True, kw_only=True)
class TensorInfo:
    """One tensor of the file; `shape` is in ggml's order, the length of a row first."""

    name: str
    shape: tuple[int, ...]
    kind: GgmlType

    @property
    def data_bytes(self) -> int:
        """Bytes of its data (`ggml_nbytes` of a contiguous tensor)."""
        return self.kind.row_bytes(self.shape[0]) * math.prod(self.shape[1:])


@dataclasses.dataclass(frozen=True, kw_only=True)
class GgufHeader:
    """What the file says about itself. Of an array too long to keep, `metadata` has None and `lengths` its length."""

    version: int
    metadata: dict[str, Value]
    lengths: dict[str, int]
    tensors: tuple[TensorInfo, ...]
    read_bytes: int

    @property
    def architecture(self) -> str:
        """Such as `llama`; empty when the file does not say (a later part of a split file)."""
        value = self.metadata.get("general.architecture")
        return value if isinstance(value, str) else ""


def read_header(fetch: Callable[[int, int], bytes], *, size_bytes: int, where: str) -> GgufHeader:
    """Parse the header of a file of `size_bytes`, of which `fetch(offset, count)` gives a range.

    Raises UsageError for a file that is cut off, of another kind or contradicts itself.
    """
    return parse_header(Cursor(fetch=fetch, size_bytes=size_bytes, where=where))


def parse_header(cursor: Cursor) -> GgufHeader:
    """The header from where the cursor stands, which is the beginning of the file."""
    version = _read_version(cursor)
    tensor_count = cursor.unsigned64("the number of tensors")
    key_count = cursor.unsigned64("the number of keys")
    if tensor_count > _MOST_TENSORS or key_count > _MOST_KEYS:
        cursor.fail(f"it announces {tensor_count} tensors and {key_count} keys, more than any model has")
    metadata, lengths = _read_metadata(cursor, key_count)
    placed = [_read_tensor(cursor) for _ in range(tensor_count)]
    tensors = tuple(tensor for tensor, _ in placed)
    _refuse_doubles(cursor, tensors)
    _refuse_missing_data(cursor, placed, metadata)
    return GgufHeader(
        version=version, metadata=metadata, lengths=lengths, tensors=tensors, read_bytes=cursor.fetched_bytes
    )


def _read_version(cursor: Cursor) -> int:
    if cursor.take(4, "the magic number") != _MAGIC:
        cursor.fail("it does not begin with GGUF", remedy="Give a .gguf file; a split one by its first part.")
    version = cursor.unsigned32("the version")
    if version & 0xFFFF == 0:
        cursor.fail("it is written for big-endian machines, which no AMD GPU is plugged into")
    if version not in _VERSIONS:
        cursor.fail(f"GGUF version {version} is not one of {', '.join(map(str, _VERSIONS))}")
    return version


def _read_metadata(cursor: Cursor, count: int) -> tuple[dict[str, Value], dict[str, int]]:
    metadata: dict[str, Value] = {}
    lengths: dict[str, int] = {}
    for _ in range(count):
        key = cursor.string("a key", longest=_LONGEST_NAME_BYTES)
        if key in metadata:
            cursor.fail(f"key {key!r} is there twice")
        kind = cursor.unsigned32(f"the type of {key!r}")
        if kind == _ARRAY:
            metadata[key], lengths[key] = _read_array(cursor, key)
        else:
            metadata[key] = _read_scalar(cursor, kind, key)
    return metadata, lengths


def _read_scalar(cursor: Cursor, kind: int, key: str) -> Scalar:
    if kind == _STRING:
        return cursor.string(f"the value of {key!r}", longest=_LONGEST_STRING_BYTES, keep_bytes=1 << 16)
    form = _SCALARS.get(kind)
    if form is None:
        cursor.fail(f"{key!r} has the unknown type {kind}")
    value: Scalar = struct.unpack(form, cursor.take(struct.calcsize(form), f"the value of {key!r}"))[0]
    return value


def _read_array(cursor: Cursor, key: str) -> tuple[Value, int]:
    kind = cursor.unsigned32(f"the type of the elements of {key!r}")
    length = cursor.unsigned64(f"the length of {key!r}")
    if length > _MOST_ELEMENTS:
        cursor.fail(f"{key!r} announces {length} elements")
    if kind == _STRING:
        if length > _MOST_STRINGS:
            cursor.fail(f"{key!r} announces {length} strings, more than any vocabulary has")
        cursor.skip_strings(length, f"the elements of {key!r}", longest=_LONGEST_STRING_BYTES)
        return None, length
    form = _SCALARS.get(kind)
    if form is None:
        cursor.fail(f"the elements of {key!r} have the type {kind}, which arrays do not have")
    size = struct.calcsize(form)
    if length > _KEPT_ELEMENTS:
        cursor.skip(size * length, f"the elements of {key!r}")
        return None, length
    content = cursor.take(size * length, f"the elements of {key!r}")
    return tuple(element for (element,) in struct.iter_unpack(form, content)), length


def _read_tensor(cursor: Cursor) -> tuple[TensorInfo, int]:
    """A tensor and where its data begins, counted from the end of the header."""
    name = cursor.string("the name of a tensor", longest=_LONGEST_NAME_BYTES)
    dimensions = cursor.unsigned32(f"the number of dimensions of {name!r}")
    if not 1 <= dimensions <= _MOST_DIMENSIONS:
        cursor.fail(f"tensor {name!r} has {dimensions} dimensions")
    shape = tuple(cursor.unsigned64(f"a dimension of {name!r}") for _ in range(dimensions))
    if min(shape) < 1 or math.prod(shape) > _LARGEST_DIMENSION:
        cursor.fail(f"tensor {name!r} has the shape {shape}")
    number = cursor.unsigned32(f"the type of {name!r}")
    kind = BY_NUMBER.get(number)
    if kind is None:
        cursor.fail(f"tensor {name!r} has type {number}, which this rocmox does not know", remedy="Update rocmox.")
    if shape[0] % kind.block_elements:
        cursor.fail(f"rows of {name!r} have {shape[0]} elements, no multiple of {kind.block_elements} ({kind.name})")
    offset = cursor.unsigned64(f"the offset of {name!r}")
    return TensorInfo(name=name, shape=shape, kind=kind), offset


def _refuse_doubles(cursor: Cursor, tensors: tuple[TensorInfo, ...]) -> None:
    names = {tensor.name for tensor in tensors}
    if len(names) != len(tensors):
        cursor.fail("two tensors have the same name")


def _refuse_missing_data(cursor: Cursor, placed: list[tuple[TensorInfo, int]], metadata: dict[str, Value]) -> None:
    """A download that stopped early has a whole header and too little behind it."""
    alignment = metadata.get("general.alignment", _ALIGNMENT)
    if not isinstance(alignment, int) or alignment < 1 or alignment & (alignment - 1):
        cursor.fail(f"general.alignment is {alignment}, no power of two")
    start = -(-cursor.position // alignment) * alignment
    needed = start + max((offset + tensor.data_bytes for tensor, offset in placed), default=-start)
    if needed > cursor.size_bytes:
        cursor.fail(
            f"the file ends after {cursor.size_bytes} of {needed} bytes",
            remedy="The download stopped early: continue it, then compare its checksum.",
        )
