"""Fetch a file, go on where an earlier attempt stopped, verify, then rename: DESTINATION exists when it is whole.

`ADDRESS=… python3 fetch_file.py SHOWN SHA256 DESTINATION [TREE]`, in a unit of its own in the guest (web_access.py lies
beside it). The address stands in the environment, which its account alone can read: it may hold a password. SHOWN is
the address without it. TREE names the folder of llama.cpp inside an archive (`.` is its only one): an archive without
it is not taken. What was fetched stays in DESTINATION.partial, unless it is another file.
"""

import hashlib
import os
import sys
import tarfile
import time
import urllib.error
from http import HTTPStatus
from pathlib import Path
from typing import Any

import web_access  # lies beside this file

ATTEMPTS = 5
PIECE_BYTES = 1 << 20
MARK = "ggml/CMakeLists.txt"  # in every llama.cpp tree since June 2024


class RefusedError(Exception):
    """What is wrong, and what now."""


def main(shown: str, sha256: str, destination: str, tree: str = "") -> int:
    """The exit status; a refusal goes to standard error."""
    partial = Path(f"{destination}.partial")
    try:
        compare(fetch(os.environ["ADDRESS"], partial, sha256), sha256)
        if tree:
            find_tree(partial, tree)
    except RefusedError as error:
        partial.unlink(missing_ok=True)
        print(f"{shown}: {error}", file=sys.stderr)
        return 1
    except web_access.FAILURES as error:
        print(f"{shown}: {web_access.why(error)}", file=sys.stderr)
        return 1
    partial.chmod(0o644)
    with partial.open("rb") as stream:
        os.fsync(stream.fileno())
    partial.replace(destination)
    return 0


def fetch(url: str, partial: Path, sha256: str) -> str:
    """The checksum of the whole file, after as many attempts as it takes; one of web_access.FAILURES when they fail."""
    digest, present = digest_of(partial)
    for attempt in range(1, ATTEMPTS + 1):
        if digest.hexdigest() == sha256:
            break
        try:
            append(url, partial, digest, present)
            break
        except urllib.error.HTTPError as error:
            if error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                break  # all of it is there, and its checksum is wrong
            if error.code < HTTPStatus.INTERNAL_SERVER_ERROR or attempt == ATTEMPTS:
                raise
        except web_access.FAILURES:
            if attempt == ATTEMPTS:
                raise
        time.sleep(2**attempt)
        digest, present = digest_of(partial)
    return digest_of(partial)[0].hexdigest() if digest.hexdigest() != sha256 else sha256


def compare(found: str, sha256: str) -> None:
    """RefusedError for another file."""
    if found != sha256:
        raise RefusedError(
            f"SHA-256 is {found}, expected {sha256}. Another file is served there, or the expected one is wrong."
        )


def append(url: str, partial: Path, digest: Any, present: int) -> None:
    """Fetch the rest; ConnectionError when the answer ends early. A server without ranges begins anew."""
    with web_access.ask(url, first_byte=present) as answer, partial.open("ab") as stream:
        if present and answer.status != HTTPStatus.PARTIAL_CONTENT:
            stream.truncate(0)
            present = 0
        expected = int(answer.headers.get("Content-Length") or 0)
        while piece := answer.read(PIECE_BYTES):
            stream.write(piece)
            digest.update(piece)
            present += len(piece)
            expected -= len(piece)
    if expected > 0:
        raise ConnectionError(f"the download stopped {expected} bytes early; what was fetched is kept")


def digest_of(path: Path) -> tuple[Any, int]:
    """SHA-256 and size of what lies there; of nothing when there is no file."""
    digest = hashlib.sha256()
    if not path.exists():
        return digest, 0
    with path.open("rb") as stream:
        while piece := stream.read(PIECE_BYTES):
            digest.update(piece)
    return digest, path.stat().st_size


def find_tree(archive: Path, tree: str) -> None:
    """RefusedError when the archive holds no llama.cpp in this folder."""
    try:
        with tarfile.open(archive) as stream:
            for member in stream:
                folder, _, rest = member.name.removeprefix("./").partition("/")
                name = rest if tree == "." else f"{folder}/{rest}".removeprefix(f"{tree.strip('/')}/")
                if name == MARK:
                    return
    except tarfile.TarError as error:
        raise RefusedError(f"it is not a tar archive ({error})") from error
    where = "its only folder" if tree == "." else f"its folder {tree}"
    raise RefusedError(f"no {MARK} in {where}: not a llama.cpp tree (llama_cpp_source_subdirectory?)")


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
