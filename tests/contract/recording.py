"""Lines of a recording: one JSON object each, with the keys that its kind needs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

# Key → type, for a line that is an HTTP call and one that is a command.
_CALL = {"case": str, "request": dict, "response": dict}
_REQUEST = {"method": str, "path": str}
_RESPONSE = {"status": int, "reason": str}
_COMMAND = {"case": str, "argv": list, "exit": int, "stdout": str, "stderr": str}


class BrokenRecordError(Exception):
    """A line, or a file, that cannot be replayed; the text says why."""


def read_lines(path: Path) -> list[tuple[int, str]]:
    """Number and text of every line that is not empty; BrokenRecordError for a file that cannot be read."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise BrokenRecordError(f"the recording cannot be read: {why}") from error
    return [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]


def parse_record(line: str) -> dict[str, Any]:
    """The record in a line; BrokenRecordError when it is not one."""
    try:
        record = json.loads(line)
    except ValueError as error:
        raise BrokenRecordError(f"the line is not JSON: {error}") from error
    if not isinstance(record, dict):
        raise BrokenRecordError(f"the line is not an object but {type(record).__name__}")
    if is_command(record):
        _require(record, _COMMAND, "")
        if not record["argv"] or not all(isinstance(word, str) for word in record["argv"]):
            raise BrokenRecordError("argv is not a list of words")
        return record
    _require(record, _CALL, "")
    _require(record["request"], _REQUEST, "request.")
    _require(record["response"], _RESPONSE, "response.")
    return record


def is_command(record: dict[str, Any]) -> bool:
    """Whether the record is a command on the node rather than an HTTP call; one file may hold both."""
    return "argv" in record


def _require(found: dict[str, Any], keys: dict[str, type], where: str) -> None:
    for key, kind in keys.items():
        if not isinstance(found.get(key), kind):
            what = "is missing" if key not in found else f"is not of type {kind.__name__}"
            raise BrokenRecordError(f"{where}{key} {what}")
