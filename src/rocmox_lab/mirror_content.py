"""What the mirror must hold: `data/mirror.toml`, parsed."""

from __future__ import annotations

import dataclasses
import hashlib
import tomllib
from importlib import resources
from pathlib import Path


@dataclasses.dataclass(frozen=True, kw_only=True)
class SourceArchive:
    """A source archive of a Python package index, pinned by its SHA-256 (lower-case hex)."""

    project: str
    filename: str
    sha256: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Wheelhouse:
    """Wheels for one Python version (`3.11`); `requirements` are locked files, relative to the repository."""

    name: str
    python: str
    requirements: tuple[str, ...]
    torch: str | None = None

    def stamp(self, repository: Path) -> str:
        """Changes when anything decides for other wheels."""
        digest = hashlib.sha256(f"{self.python} {self.torch}".encode())
        for name in self.requirements:
            digest.update((repository / name).read_bytes())
        return digest.hexdigest()


@dataclasses.dataclass(frozen=True, kw_only=True)
class MirrorContent:
    """Everything the mirror must hold."""

    archives: tuple[SourceArchive, ...]
    wheelhouses: tuple[Wheelhouse, ...]


def load_content() -> MirrorContent:
    """From the data file of this package."""
    return parse_content(resources.files("rocmox_lab").joinpath("data/mirror.toml").read_text(encoding="utf-8"))


def parse_content(text: str) -> MirrorContent:
    """From TOML; KeyError names a missing entry (the file is ours)."""
    document = tomllib.loads(text)
    return MirrorContent(
        archives=tuple(
            SourceArchive(project=entry["project"], filename=entry["filename"], sha256=entry["sha256"].lower())
            for entry in document.get("source_archive", [])
        ),
        wheelhouses=tuple(
            Wheelhouse(
                name=entry["name"],
                python=entry["python"],
                requirements=tuple(entry["requirements"]),
                torch=entry.get("torch"),
            )
            for entry in document.get("wheelhouse", [])
        ),
    )
