"""The facts in a posted text: JSON, or a table with one line for each value."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterator
from typing import Any

from rocmox.report.table import render_table

SCHEMA_VERSION = 1


def to_json(kind: str, facts: Any) -> dict[str, Any]:
    """Every fact under its name; what the text does not say is null."""
    return {"schema_version": SCHEMA_VERSION, "kind": kind, "facts": _plain(facts)}


def to_text(kind: str, facts: Any) -> str:
    """A table of what the text says; what it does not say is left out."""
    rows = [(name, value) for name, value in _leaves(_plain(facts), "") if value]
    return f"{kind}: {len(rows)} values\n{render_table(('fact', 'value'), rows)}"


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {_name(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(entry) for entry in (sorted(value) if isinstance(value, set | frozenset) else value)]
    if isinstance(value, enum.Enum):
        return value.value
    return value if value is None or isinstance(value, bool | int | float) else str(value)


def _name(key: Any) -> str:
    return ":".join(map(str, key)) if isinstance(key, tuple) else str(key)


def _leaves(value: Any, where: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, entry in value.items():
            yield from _leaves(entry, f"{where}.{key}" if where else key)
    elif isinstance(value, list) and any(isinstance(entry, dict | list) for entry in value):
        for number, entry in enumerate(value):
            yield from _leaves(entry, f"{where}[{number}]")
    elif isinstance(value, list):
        yield where, ", ".join(map(str, value))
    else:
        yield where, "" if value is None else str(value)
