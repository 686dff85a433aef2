"""What PVE's commands print: JSON as Perl's JSON module orders it, tables with Unicode frames, errors."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from rocmox_lab.pve.answers import AnswerError

FORMAT_OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "output-format": {"type": "string", "enum": ["text", "json", "json-pretty", "yaml"]},
    "quiet": {"type": "boolean"},
    "noproxy": {"type": "boolean"},
    "noborder": {"type": "boolean"},
    "noheader": {"type": "boolean"},
    "human-readable": {"type": "boolean"},
}


def show(data: Any, form: str) -> None:
    """A result in the wanted format; nothing for nothing."""
    if data is None:
        return
    if form == "json":
        print(json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":")))
    elif form == "json-pretty":
        print(json.dumps(data, ensure_ascii=False, sort_keys=True, indent=3, separators=(",", " : ")))
    elif form == "yaml":
        print("---\n" + "\n".join(_yaml(data)))
    else:
        _text(data)


def _text(data: Any) -> None:
    if isinstance(data, dict):
        rows = [[key, _cell(data[key])] for key in sorted(data)]
        print(table(["key", "value"], rows))
    elif isinstance(data, list) and data and isinstance(data[0], dict):
        columns = sorted({key for entry in data for key in entry})
        print(table(columns, [[_cell(entry.get(key)) for key in columns] for entry in data]))
    elif isinstance(data, list):
        print("\n".join(_cell(entry) for entry in data), end="\n" if data else "")
    else:
        print(data)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return str(value)


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A framed table."""
    widths = [max(len(row[index]) for row in [columns, *rows]) for index in range(len(columns))]

    def frame(left: str, line: str, middle: str, right: str) -> str:
        return left + middle.join(line * (width + 2) for width in widths) + right

    def cells(row: Sequence[str]) -> str:
        return "│" + "│".join(f" {text:<{width}} " for text, width in zip(row, widths, strict=True)) + "│"

    body = f"\n{frame('├', '─', '┼', '┤')}\n".join(cells(row) for row in rows)
    head = [frame("┌", "─", "┬", "┐"), cells(columns), frame("╞", "═", "╪", "╡")]
    return "\n".join([*head, *([body] if rows else []), frame("└", "─", "┴", "┘")])


def _yaml(data: Any, indent: str = "") -> list[str]:
    if isinstance(data, dict):
        lines = []
        for key in sorted(data):
            value = data[key]
            if isinstance(value, dict | list) and value:
                lines += [f"{indent}{key}:", *_yaml(value, indent + "  ")]
            else:
                lines.append(f"{indent}{key}: {_scalar(value)}")
        return lines
    if isinstance(data, list):
        lines = []
        for entry in data:
            nested = _yaml(entry, indent + "  ") if isinstance(entry, dict | list) else [f"{indent}  {_scalar(entry)}"]
            nested[0] = f"{indent}- {nested[0].lstrip()}"
            lines += nested
        return lines
    return [f"{indent}{_scalar(data)}"]


def _scalar(value: Any) -> str:
    if value is None:
        return "~"
    text = str(value)
    numeric = isinstance(value, str) and text.replace(".", "", 1).isdigit() and text.count(".") <= 1 and "." in text
    return f"'{text}'" if numeric or text == "" else text


def complain(error: AnswerError, usage: str) -> int:
    """An error on stderr as PVE's commands word it; the exit code."""
    code = "" if error.status == 500 else f"{error.status} "  # noqa: PLR2004 - plain errors carry no number
    text = code + error.message.rstrip("\n")
    if error.errors:
        text += "".join(f"\n{key}: {error.errors[key]}" for key in sorted(error.errors))
    sys.stderr.write(text + "\n")
    if error.status == 400:  # noqa: PLR2004 - wrong usage shows the usage
        sys.stderr.write(usage + "\n")
    return error.exit_code
