"""Replacing a file in one step: whoever reads it finds all of the old content or all of the new, never a part."""

from __future__ import annotations

import contextlib
import glob
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path


def write_whole(path: Path, content: str | bytes, *, mode: int = 0o644, durable: bool = True) -> None:
    """Replace a file (UTF-8 for text), as `install -m MODE` does, in one step; OSError leaves the old one in place.

    See `replacing` for mode, owner, symbolic links and `durable`.
    """
    with replacing(path, mode=mode, durable=durable) as partial:
        partial.write_bytes(content.encode() if isinstance(content, str) else content)


@contextlib.contextmanager
def replacing(path: Path, *, mode: int = 0o644, durable: bool = True) -> Iterator[Path]:
    """An empty neighbour of the file, `.NAME.PID.*.partial`, to be filled; it takes the name when the block ends well.

    The block may also put another file in its place. The new file has exactly `mode`, whatever the umask, and belongs
    to this process; a symbolic link at `path` is replaced, not followed. Before the block ends, only this user can
    read it. `durable`: the content is on the disk before the name moves, so a power cut leaves the old file or the new
    one; without it a killed process still does no harm. The folder must exist. An error leaves the old file alone.
    What a killed process left half written goes with the next replacement.
    """
    _sweep(path)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.{os.getpid()}.", suffix=".partial")
    os.close(handle)
    partial = Path(name)
    try:
        yield partial
        partial.chmod(mode)
        if durable:
            with partial.open("rb") as stream:
                os.fsync(stream.fileno())
        partial.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        raise


def _sweep(path: Path) -> None:
    """Removes what processes that are no more left beside the file."""
    for left in path.parent.glob(f".{glob.escape(path.name)}.*.partial"):
        pid = left.name.removeprefix(f".{path.name}.").partition(".")[0]
        if pid.isdecimal() and not Path(f"/proc/{pid}").exists():
            with contextlib.suppress(OSError):
                left.unlink(missing_ok=True)
