"""Writing files of the node whole or not at all, and JSON documents that a power cut cannot tear."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rocmox.files import write_whole


def read(path: str) -> str | None:
    """The file's text, None when there is none."""
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, NotADirectoryError):
        return None


def write(path: str, content: str | bytes, *, mode: int = 0o644) -> None:
    """Replace the file in one step, on the disk before it is named; its folder is made."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    write_whole(target, content, mode=mode)


def remove(path: str) -> None:
    """Remove the file if it is there."""
    Path(path).unlink(missing_ok=True)


def read_document(path: str) -> dict[str, Any]:
    """A JSON object; empty when there is none, or none that can be read."""
    try:
        document = json.loads(read(path) or "{}")
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def write_document(path: str, document: dict[str, Any]) -> None:
    """A JSON object with its schema_version."""
    write(path, json.dumps({"schema_version": 1, **document}, indent=2) + "\n")
