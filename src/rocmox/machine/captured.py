"""A recorded machine: a folder or a `.tar.gz` that holds `sys/`, `proc/`, … of another one. Runs nothing.

A capture comes from a stranger: links never lead out of it, and nothing of it is unpacked.
"""

from __future__ import annotations

import errno
import os
import posixpath
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from rocmox.errors import CommandError, UsageError
from rocmox.machine.base import Completed

_MOST_LINKS = 40  # as the kernel's own limit (MAXSYMLINKS)
_LARGEST_BYTES = 64 << 20

# A path without leading slash → bytes of a file, the target of a link, or None for a directory.
Entry = bytes | str | None


class CapturedMachine:
    """Files by path, read once into memory."""

    constructed = True

    def __init__(self, place: Path) -> None:
        self.name = f"capture {place}"
        self._entries: dict[str, Entry] = {"": None}
        self._children: dict[str, set[str]] = {"": set()}
        if place.is_dir():
            self._read_folder(place)
        else:
            self._read_archive(place)

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes | None = None,  # noqa: ARG002 - the signature is Machine's
        timeout_seconds: float = 60,  # noqa: ARG002
        environment: Mapping[str, str] | None = None,  # noqa: ARG002
    ) -> Completed:
        raise CommandError(argv, exit_status=None, reason="a capture runs no commands")

    def read_bytes(self, path: str) -> bytes:
        entry = self._entries[self._resolve(path)]
        if isinstance(entry, bytes):
            return entry
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)

    def exists(self, path: str) -> bool:
        try:
            self._resolve(path)
        except OSError:
            return False
        return True

    def list_directory(self, path: str) -> list[str]:
        place = self._resolve(path)
        if self._entries[place] is not None:
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path)
        return sorted(self._children.get(place, ()))

    def resolve_link(self, path: str) -> str:
        return "/" + self._resolve(path)

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
                    entry = item.read_bytes() if item.stat().st_size <= _LARGEST_BYTES else b""
                self._add(str(item.relative_to(root)), entry)

    def _read_archive(self, place: Path) -> None:
        try:
            with tarfile.open(place) as archive:
                for member in archive:
                    if member.issym():
                        self._add(member.name, member.linkname)
                    elif member.isdir():
                        self._add(member.name, None)
                    elif member.isfile() and member.size <= _LARGEST_BYTES:
                        content = archive.extractfile(member)
                        self._add(member.name, content.read() if content else b"")
        except (OSError, EOFError, tarfile.TarError) as error:
            raise UsageError(
                f"{place} is no capture: {error}",
                remedy="Give a folder or a .tar.gz that holds `sys/`, `proc/` … of a machine.",
            ) from error

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
