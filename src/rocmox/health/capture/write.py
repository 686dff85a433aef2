"""Writes a capture so that the same machine gives the same bytes, whoever writes it and when."""

from __future__ import annotations

import dataclasses
import gzip
import io
import json
import tarfile
from pathlib import Path

from rocmox.errors import UsageError
from rocmox.files import write_whole
from rocmox.health.capture.take import Capture
from rocmox.machine.capture_index import INDEX_PATH, SCHEMA_VERSION, CaptureIndex

_LEVEL = 6


def write_capture(capture: Capture, place: Path) -> None:
    """Replaces the file at once; UsageError when it cannot be written."""
    packed = io.BytesIO()
    with gzip.GzipFile("", "wb", _LEVEL, packed, mtime=0) as stream:
        stream.write(to_tar(capture))
    try:
        write_whole(place, packed.getvalue())
    except OSError as error:
        raise UsageError(f"{place} cannot be written: {error.strerror}", remedy="Give another file to -o.") from error


def to_tar(capture: Capture) -> bytes:
    """The archive, members in the order of their names, without times and owners."""
    files = {path.lstrip("/"): content for path, content in capture.files.items()}
    files[INDEX_PATH] = index_to_json(capture.index)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name in sorted(files):
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(files[name]), 0o644
            archive.addfile(member, io.BytesIO(files[name]))
    return buffer.getvalue()


def index_to_json(index: CaptureIndex) -> bytes:
    """The reverse of `parse_index`."""
    commands = [{"argv": list(argv), **dataclasses.asdict(done)} for argv, done in sorted(index.commands.items())]
    document = {"schema_version": SCHEMA_VERSION, **dataclasses.asdict(dataclasses.replace(index, commands={}))}
    return json.dumps({**document, "commands": commands}, indent=1, sort_keys=True).encode() + b"\n"
