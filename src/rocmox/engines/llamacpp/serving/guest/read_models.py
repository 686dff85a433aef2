"""Show the headers of model files in this guest, for planning on the controller, and check their checksums.

Part of look.py; changes nothing. `main` answers `{"files": {FILE: {"parts": [{"name", "size_bytes", "header"}],
"sha256"}}, "verified": {…}}`: all parts of a split file, each header packed (zlib, base64) and with the words of its
vocabulary blanked. Of a `path` with a desired checksum, `sha256` is the actual one; in `verified` stands by what
(checksum, size, time) a later run knows the file.
"""

import base64
import contextlib
import hashlib
import json
import os
import re
import zlib
from pathlib import Path
from typing import Any

from rocmox.errors import RocmoxError
from rocmox.facts.gguf import parse_header
from rocmox.facts.gguf_cursor import RecordingCursor

PART = re.compile(r"-00001-of-(\d{5})\.gguf$")


def header_of(path: Path) -> bytes:
    """The header; of anything else as much as shows what is wrong with it."""
    with path.open("rb", buffering=0) as file:
        number = file.fileno()

        def fetch(offset: int, count: int) -> bytes:
            return os.pread(number, count, offset)

        cursor = RecordingCursor(fetch=fetch, size_bytes=os.fstat(number).st_size, where=str(path))
        with contextlib.suppress(RocmoxError, OverflowError, MemoryError):
            parse_header(cursor)
        return cursor.kept


def parts(path: Path) -> list[Path]:
    """The file, or all parts of a split one that are there."""
    match = PART.search(path.name)
    if not match:
        return [path]
    names = [PART.sub(f"-{number:05}-of-{match[1]}.gguf", path.name) for number in range(1, int(match[1]) + 1)]
    return [path.with_name(name) for name in names if path.with_name(name).is_file()]


def identity(path: Path, sha256: str) -> list[str | int]:
    """By what a file is known again without reading it."""
    status = path.stat()
    return [sha256, status.st_size, status.st_mtime_ns]


def checksum(path: Path) -> str:
    """SHA-256 of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while piece := stream.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def main(desired: dict[str, Any]) -> dict[str, Any]:
    """All files that are there."""
    try:
        verified = json.loads(Path(desired["verified"]).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        verified = {}
    files: dict[str, Any] = {}
    known: dict[str, Any] = {}
    for model in desired["models"]:
        path, sha256 = Path(model["file"]), "" if model.get("url") else model.get("sha256", "")
        if not path.is_file():
            continue
        actual = ""
        if sha256:
            known[str(path)] = identity(path, sha256)
            actual = sha256 if verified.get(str(path)) == known[str(path)] else checksum(path)
        files[model["file"]] = {"parts": [described(part) for part in parts(path)], "sha256": actual}
    return {"files": files, "verified": known}


def described(part: Path) -> dict[str, Any]:
    """One file, small enough to be carried to the controller."""
    packed = base64.b64encode(zlib.compress(header_of(part), 1)).decode()
    return {"name": part.name, "size_bytes": part.stat().st_size, "header": packed}
