"""Where a GGUF header comes from: a local file, or a web server that serves ranges. Split files count as one."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from rocmox.errors import CannotLookError, UsageError
from rocmox.facts.gguf import GgufHeader, TensorInfo, read_header

_PART = re.compile(r"-(?P<number>\d{5})-of-(?P<count>\d{5})\.gguf(?P<query>\?.*)?$")
_MOST_PARTS = 1024


def is_address(model: str) -> bool:
    """Whether this names something on a web server."""
    return model.startswith(("http://", "https://"))


def read_model(model: str) -> GgufHeader:
    """The header of a file, an address, or all parts of a split model named by its first part.

    Raises UsageError for what is not a GGUF file, CannotLookError for what cannot be reached.
    """
    first = _read_one(model)
    match = _PART.search(model)
    count = first.metadata.get("split.count")
    if not isinstance(count, int) or count <= 1:
        return first
    if match is None or int(match["count"]) != count or not 1 < count <= _MOST_PARTS:
        raise UsageError(
            f"{model}: this is one of {count} parts, and its name does not end in -00001-of-{count:05}.gguf",
            remedy="Give the parts back the names they had when they were published.",
        )
    if int(match["number"]) != 1:
        raise UsageError(f"{model}: this is part {int(match['number'])}", remedy="Name the first part, -00001-of-….")
    rest = [_read_part(_part_name(model, match, number), number, count) for number in range(2, count + 1)]
    return _joined(model, first, rest)


def _read_part(name: str, number: int, count: int) -> GgufHeader:
    if not is_address(name) and not Path(name).is_file():
        raise UsageError(
            f"{name}: part {number} of {count} is missing",
            remedy="Download all parts into one folder, names unchanged.",
        )
    part = _read_one(name)
    if part.metadata.get("split.no", number - 1) != number - 1 or part.metadata.get("split.count", count) != count:
        raise UsageError(
            f"{name}: it says that it is another part, or a part of another model",
            remedy="Download the parts again, names unchanged.",
        )
    return part


def _part_name(model: str, match: re.Match[str], number: int) -> str:
    return f"{model[: match.start()]}-{number:05}-of-{match['count']}.gguf{match['query'] or ''}"


def _joined(model: str, first: GgufHeader, rest: list[GgufHeader]) -> GgufHeader:
    tensors: tuple[TensorInfo, ...] = first.tensors
    for part in rest:
        tensors += part.tensors
    if len({tensor.name for tensor in tensors}) != len(tensors):
        raise UsageError(
            f"{model}: two of its parts hold a tensor of the same name",
            remedy="Download the parts again; they belong to different files.",
        )
    announced = first.metadata.get("split.tensors.count")
    if isinstance(announced, int) and announced != len(tensors):
        raise UsageError(
            f"{model}: its parts hold {len(tensors)} tensors, the first one announces {announced}",
            remedy="Download the parts again; they belong to different files.",
        )
    return dataclasses.replace(
        first, tensors=tensors, read_bytes=first.read_bytes + sum(part.read_bytes for part in rest)
    )


def _read_one(model: str) -> GgufHeader:
    if is_address(model):
        from rocmox.facts.range_server import RangeServer  # noqa: PLC0415 - TLS is slow to load, and files need none

        server = RangeServer(model)
        return read_header(server.fetch, size_bytes=server.size_bytes, where=model)
    with _opened(model) as (file, size_bytes):
        return read_header(
            lambda offset, count: os.pread(file.fileno(), count, offset), size_bytes=size_bytes, where=model
        )


@contextlib.contextmanager
def _opened(model: str) -> Iterator[tuple[BinaryIO, int]]:
    path = Path(model)
    try:
        if not path.is_file():
            what = "this is not a regular file" if path.exists() else "no such file"
            raise UsageError(
                f"{model}: {what}",
                remedy="Give a .gguf file, an http(s) address of one, or a name that `rocmox fit --list` prints.",
            )
        with path.open("rb", buffering=0) as file:
            yield file, os.fstat(file.fileno()).st_size
    except OSError as error:
        raise CannotLookError(f"{model}: {error.strerror or error}") from error
