"""Writes a constructed `/sys`, `/proc` or `/boot` below a folder."""

from __future__ import annotations

import os
from pathlib import Path


class Tree:
    """Files, directories and links below `root`, named by their path on the machine they imitate."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def file(self, path: str, content: str | bytes) -> None:
        """A file; text gets the newline that the kernel's show functions end with."""
        place = self._at(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content if isinstance(content, bytes) else f"{content}\n".encode())

    def files(self, directory: str, contents: dict[str, str]) -> None:
        """Several text files of one directory, by name."""
        for name, content in contents.items():
            self.file(f"{directory}/{name}", content)

    def directory(self, path: str) -> None:
        """An empty directory."""
        self._at(path).mkdir(parents=True, exist_ok=True)

    def link(self, path: str, target: str) -> None:
        """A relative symbolic link to a path of the same tree, as sysfs makes them."""
        place = self._at(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(os.path.relpath(self._at(target), place.parent))

    def _at(self, path: str) -> Path:
        return self._root / path.lstrip("/")
