"""Several files in one text: `head`'s `==> path <==`, `grep`'s `path:line`, ttar's `Path:` / `Lines:` (procfs)."""

from __future__ import annotations

import re

from rocmox.errors import CannotLookError

_HEAD = re.compile(r"==> (?P<path>\S{1,300}) <==")
_GREP = re.compile(r"(?P<path>[\w./-]*(?:/|^)[a-z][\w]{1,60}):(?P<line>\S.*)?")
_TTAR_PATH = re.compile(r"Path: (?P<path>\S{1,300})")
_TTAR_LINES = re.compile(r"Lines: (?P<count>\d{1,6})")


def parse_dump(text: str) -> dict[str, str]:
    """Path → text without its last newline; CannotLookError when the text holds no file."""
    lines = text.splitlines()
    files = _parse_ttar(lines) if any(map(_TTAR_PATH.fullmatch, lines)) else _parse_head(lines) or _parse_grep(lines)
    if not files:
        raise CannotLookError("no `==> path <==`, no `path:line` and no `Path:` line: this is not a dump of files")
    return files


def find(files: dict[str, str], name: str) -> str | None:
    """The text of the first file of that name, whatever folder it is in."""
    return next((text for path, text in files.items() if path == name or path.endswith(f"/{name}")), None)


def _parse_head(lines: list[str]) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    current: list[str] | None = None
    for line in lines:
        if match := _HEAD.fullmatch(line.strip()):
            current = found.setdefault(match["path"], [])
        elif current is not None:
            current.append(line)
    return {path: "\n".join(content).rstrip("\n") for path, content in found.items()}


def _parse_grep(lines: list[str]) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    for line in lines:
        if match := _GREP.fullmatch(line.strip()):
            found.setdefault(match["path"], []).append(match["line"] or "")
    return {path: "\n".join(content) for path, content in found.items()}


def _parse_ttar(lines: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for index, line in enumerate(lines):
        match = _TTAR_PATH.fullmatch(line)
        counted = _TTAR_LINES.fullmatch(lines[index + 1]) if match and index + 1 < len(lines) else None
        if match and counted:
            first = index + 2
            found[match["path"]] = "\n".join(lines[first : first + int(counted["count"])])
    return found
