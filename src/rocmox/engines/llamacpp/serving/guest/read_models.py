"""Show the headers of model files in this guest, for `rocmox fit` on the controller, and check their checksums.

`python3 -c PROGRAM < WISH`, WISH being `{"models": […], "verified": FILE}`; changes nothing. Prints
`{"files": {FILE: {"parts": [{"name", "size_bytes", "header"}], "sha256"}}, "verified": {…}}`: all parts of a split
file, each header packed (zlib, base64) and with the words of its vocabulary blanked. Of a `path` with a wished
checksum, `sha256` is what was found; in `verified` stands by what (checksum, size, time) a later run knows the file.
"""

import base64
import contextlib
import hashlib
import json
import re
import struct
import sys
import zlib
from pathlib import Path
from typing import Any, BinaryIO

SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}  # enum gguf_metadata_value_type
STRING, ARRAY = 8, 9
LONGEST_HEADER_BYTES = 1 << 27
PART = re.compile(r"-00001-of-(\d{5})\.gguf$")


class Header:
    """What has been read of a GGUF file, blanks for its long lists (ggml/docs/gguf.md)."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream, self.count_bytes = stream, 0
        self.kept: list[bytes] = []

    def take(self, count: int) -> bytes:
        """The next bytes; EOFError where the file ends."""
        self.count_bytes += count
        if self.count_bytes > LONGEST_HEADER_BYTES:
            raise EOFError
        found = self.stream.read(count)
        self.kept.append(found)
        if len(found) < count:
            raise EOFError
        return found

    def blank(self, count: int) -> None:
        """Step over bytes that planning does not ask for."""
        self.take(count)
        self.kept[-1] = bytes(count)

    def number(self, form: str) -> int:
        """One unsigned number."""
        return int(struct.unpack(form, self.take(struct.calcsize(form)))[0])

    def value(self, kind: int) -> None:
        """Any value of the metadata."""
        if kind == STRING:
            self.take(self.number("<Q"))
        elif kind == ARRAY:
            kind, count = self.number("<I"), self.number("<Q")
            if kind == STRING:
                for _ in range(count):
                    self.blank(self.number("<Q"))
            else:
                self.take(SIZES[kind] * count)
        else:
            self.take(SIZES[kind])

    def walk(self) -> None:
        """To the end of the list of tensors; KeyError and EOFError for what is no GGUF."""
        if self.take(4) != b"GGUF":
            raise EOFError
        self.take(4)
        tensors, keys = self.number("<Q"), self.number("<Q")
        for _ in range(keys):
            self.take(self.number("<Q"))
            self.value(self.number("<I"))
        for _ in range(tensors):
            self.take(self.number("<Q"))
            self.take(8 * self.number("<I") + 12)


def header_of(path: Path) -> bytes:
    """The header; of anything else as much as shows what is wrong with it."""
    with path.open("rb") as stream:
        header = Header(stream)
        with contextlib.suppress(EOFError, KeyError, OverflowError, MemoryError):
            header.walk()
        return b"".join(header.kept)


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


def main(wish: dict[str, Any]) -> dict[str, Any]:
    """All files that are there."""
    try:
        verified = json.loads(Path(wish["verified"]).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        verified = {}
    files: dict[str, Any] = {}
    known: dict[str, Any] = {}
    for model in wish["models"]:
        path, sha256 = Path(model["file"]), "" if model.get("url") else model.get("sha256", "")
        if not path.is_file():
            continue
        found = ""
        if sha256:
            known[str(path)] = identity(path, sha256)
            found = sha256 if verified.get(str(path)) == known[str(path)] else checksum(path)
        files[model["file"]] = {"parts": [described(part) for part in parts(path)], "sha256": found}
    return {"files": files, "verified": known}


def described(part: Path) -> dict[str, Any]:
    """One file, small enough to be carried to the controller."""
    packed = base64.b64encode(zlib.compress(header_of(part), 1)).decode()
    return {"name": part.name, "size_bytes": part.stat().st_size, "header": packed}


if __name__ == "__main__":
    print(json.dumps(main(json.load(sys.stdin))))
