"""Changes to a built tree that can be taken back: what stood at each place is kept as data beside them."""

from __future__ import annotations

import base64
import shutil
from pathlib import Path


class Changes:
    """Writes, removes and links below `root`, named by their path on the machine that the tree imitates.

    `kept` is what `take_back` needs: path → what stood there, as JSON can hold it; the first state of a place counts.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.kept: dict[str, dict[str, str]] = {}

    def read(self, path: str) -> str:
        """A text file without its last newline."""
        return self._at(path).read_text().rstrip("\n")

    def read_bytes(self, path: str) -> bytes:
        """A file as it is."""
        return self._at(path).read_bytes()

    def names(self, path: str) -> list[str]:
        """Names in a directory, sorted; none when it is missing."""
        place = self._at(path)
        return sorted(entry.name for entry in place.iterdir()) if place.is_dir() else []

    def resolve(self, path: str) -> str:
        """Where a link of the tree ends, as a path of the imitated machine."""
        return "/" + str(self._at(path).resolve().relative_to(self.root.resolve()))

    def write(self, path: str, content: str | bytes) -> None:
        """Replace or make a file; text gets the newline that the kernel's show functions end with."""
        self._keep_missing_folders(path)
        self._keep(path)
        place = self._at(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.unlink(missing_ok=True)
        place.write_bytes(content if isinstance(content, bytes) else f"{content}\n".encode())

    def replace(self, path: str, old: str, new: str) -> None:
        """Replace a part of a text file; ValueError when it is not there, for then the change would be none."""
        text = self.read(path)
        if old not in text:
            raise ValueError(f"{path} does not hold {old!r}")
        self.write(path, text.replace(old, new))

    def remove(self, path: str) -> None:
        """Take away a file, a link or a directory with all that is in it."""
        place = self._at(path)
        if place.is_dir() and not place.is_symlink():
            for name in self.names(path):
                self.remove(f"{path}/{name}")
            self._keep(path)
            shutil.rmtree(place)
        elif place.is_symlink() or place.exists():
            self._keep(path)
            place.unlink()

    def _keep_missing_folders(self, path: str) -> None:
        parents = path.strip("/").split("/")[:-1]
        for depth in range(1, len(parents) + 1):
            folder = "/" + "/".join(parents[:depth])
            if not self._at(folder).exists():
                self.kept.setdefault(folder, {"no directory": ""})

    def _keep(self, path: str) -> None:
        place = self._at(path)
        if path in self.kept:
            return
        if place.is_symlink():
            self.kept[path] = {"link": str(place.readlink())}
        elif place.is_dir():
            self.kept[path] = {"directory": ""}
        elif place.exists():
            self.kept[path] = {"file": base64.b64encode(place.read_bytes()).decode()}
        else:
            self.kept[path] = {"missing": ""}

    def _at(self, path: str) -> Path:
        return self.root / path.lstrip("/")


def take_back(root: Path, kept: dict[str, dict[str, str]]) -> None:
    """Restore every place, the last changed first; a place that is right already stays as it is."""
    for path, state in reversed(kept.items()):
        place = root / path.lstrip("/")
        if "directory" in state:
            place.mkdir(parents=True, exist_ok=True)
            continue
        if "no directory" in state:
            shutil.rmtree(place, ignore_errors=True)
            continue
        if place.is_symlink() or place.is_file():
            place.unlink()
        if "missing" in state:
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        if "link" in state:
            place.symlink_to(state["link"])
        else:
            place.write_bytes(base64.b64decode(state["file"]))
