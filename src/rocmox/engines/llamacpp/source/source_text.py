"""Reading and replacing files of a source tree, with answers instead of tracebacks."""

from __future__ import annotations

from pathlib import Path

from rocmox.errors import CannotLookError, RefusedError
from rocmox.files import write_whole


def read_loosely(path: Path) -> str:
    """For looking at a tree: any bytes will do. CannotLookError when the file cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise _unreadable(path, error) from error


def read_exactly(path: Path) -> str:
    """For changing a file: every byte counts, line ends too; RefusedError for one that llama.cpp never had."""
    try:
        text = path.read_bytes().decode("utf-8")
    except OSError as error:
        raise _unreadable(path, error) from error
    except UnicodeDecodeError as error:
        raise RefusedError(
            f"{path} is not UTF-8 text (byte {error.start}), as llama.cpp's files are",
            remedy="Take the file as it came from llama.cpp (`git checkout` it).",
        ) from error
    if "\r" in text:
        raise RefusedError(
            f"{path} has Windows line ends; a patch would mix two kinds",
            remedy="Check the tree out with `git config core.autocrlf false`, or convert the file with dos2unix.",
        )
    return text


def replace_text(path: Path, text: str) -> None:
    """In one step, on disk before the name moves: a kill or a power cut leaves the old file or the new one.

    RefusedError, with the old file in place, when the folder cannot be written to or has no room.
    """
    try:
        write_whole(path, text, mode=path.stat().st_mode & 0o7777)
    except OSError as error:
        raise RefusedError(
            f"{path} cannot be replaced ({error.strerror}); it is as it was",
            remedy="Run this as the owner of the folder, with room on its disk, or work on a copy of the tree.",
        ) from error


def _unreadable(path: Path, error: OSError) -> CannotLookError:
    return CannotLookError(
        f"{path} cannot be read ({error.strerror})", remedy="Run this as a user who may read the whole tree."
    )
