"""Plain tables: columns padded to their widest cell, wide characters counted as two."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

_GAP = "  "


def render_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The table as text without a last newline; control characters in cells are shown as ?."""
    cells = [[_printable(cell) for cell in row] for row in (headings, *rows)]
    widths = [max(_width(row[column]) for row in cells) for column in range(len(headings))]
    lines = [_GAP.join(_padded(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]
    return "\n".join(lines)


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in text)


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _width(text))
