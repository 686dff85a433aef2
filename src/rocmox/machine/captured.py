"""A recorded machine: a folder or a `.tar.gz` that holds `sys/`, `proc/`, … of another one. Runs nothing.

A capture comes from a stranger: links never lead out of it, and nothing of it is unpacked. One that `rocmox capture`
made also answers the commands that were recorded, with the errors that the machine gave.
"""

from __future__ import annotations

import errno
import os
import posixpath
from collections.abc import Mapping, Sequence
from pathlib import Path

from rocmox.errors import CommandError
from rocmox.machine.archive import LARGEST_BYTES, read_members
from rocmox.machine.base import Completed
from rocmox.machine.capture_index import INDEX_PATH, CaptureIndex, parse_index

_MOST_LINKS = 40  # as the kernel's own limit (MAXSYMLINKS)

# A path without leading slash → bytes of a file, the target of a link, or None for a directory.
Entry = bytes | str | None


class CapturedMachine:
    """Files by path, read once into memory."""

    def __init__(self, place: Path) -> None:
        self.name = f"capture {place}"
        self._entries: dict[str, Entry] = {"": None}
        self._children: dict[str, set[str]] = {"": set()}
        if place.is_dir():
            self._read_folder(place)
        else:
            for name, entry in read_members(place):
                self._add(name, entry)
        index = self._entries.get(INDEX_PATH)
        self._index: CaptureIndex | None = parse_index(index) if isinstance(index, bytes) else None

    @property
    def constructed(self) -> bool:
        """Whether no driver is behind its device nodes: true of a bare tree, recorded otherwise."""
        return self._index.constructed if self._index else True

    @property
    def replays(self) -> bool:
        """Whether it answers commands as the recorded machine did."""
        return self._index.replays if self._index else False

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes | None = None,  # noqa: ARG002 - the signature is Machine's
        timeout_seconds: float = 60,  # noqa: ARG002
        environment: Mapping[str, str] | None = None,  # noqa: ARG002
    ) -> Completed:
        answer = self._index.commands.get(tuple(argv)) if self._index else None
        if answer is None:
            raise CommandError(argv, exit_status=None, reason="a capture runs no commands")
        if answer.exit_status is None:
            raise CommandError(argv, exit_status=None, reason=answer.reason)
        return Completed(argv=tuple(argv), exit_status=answer.exit_status, stdout=answer.stdout, stderr=answer.stderr)

    def read_bytes(self, path: str) -> bytes:
        self._refuse(path)
        entry = self._entries[self._resolve(path)]
        if isinstance(entry, bytes):
            return entry
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)

    def exists(self, path: str) -> bool:
        if self._index and path in self._index.existing:
            return self._index.existing[path]
        try:
            self._resolve(path)
        except OSError:
            return False
        return True

    def list_directory(self, path: str) -> list[str]:
        if self._index and path in self._index.listings:
            return list(self._index.listings[path])
        self._refuse(path)
        place = self._resolve(path)
        if self._entries[place] is not None:
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path)
        return sorted(self._children.get(place, ()))

    def resolve_link(self, path: str) -> str:
        if self._index and path in self._index.links:
            return self._index.links[path]
        self._refuse(path)
        return "/" + self._resolve(path)

    def _refuse(self, path: str) -> None:
        """The error that the recorded machine gave for this path."""
        number = self._index.errors.get(path) if self._index else None
        if number is not None:
            raise OSError(number, os.strerror(number), path)

    def _add(self, path: str, entry: Entry) -> None:
        clean = posixpath.normpath("/" + path).lstrip("/")
        if not clean:
            return
        parent, _, name = clean.rpartition("/")
        if parent not in self._entries:
            self._add(parent, None)
        self._children.setdefault(parent, set()).add(name)
        if entry is not None or clean not in self._entries:
            self._entries[clean] = entry

    def _read_folder(self, root: Path) -> None:
        for place, directories, files in os.walk(root):
            for name in (*directories, *files):
                item = Path(place) / name
                entry: Entry = None
                if item.is_symlink():
                    entry = str(item.readlink())
                elif item.is_file():
                    entry = item.read_bytes() if item.stat().st_size <= LARGEST_BYTES else b""
                self._add(str(item.relative_to(root)), entry)

    def _resolve(self, path: str) -> str:
        """The path with every link followed inside the capture; FileNotFoundError or ELOOP as the kernel gives them."""
        waiting = [part for part in path.split("/") if part]
        place: list[str] = []
        links = 0
        while waiting:
            part = waiting.pop(0)
            if part in {".", ".."}:
                place = place[:-1] if part == ".." else place
                continue
            here = "/".join([*place, part])
            if here not in self._entries:
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
            entry = self._entries[here]
            if not isinstance(entry, str):
                place.append(part)
                continue
            links += 1
            if links > _MOST_LINKS:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
            place = [] if entry.startswith("/") else place
            waiting = [piece for piece in entry.split("/") if piece] + waiting
        return "/".join(place)
