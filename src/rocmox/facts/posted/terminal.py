"""What a terminal or a mail adds to a command's output: colours, quotation marks, tabs."""

from __future__ import annotations

import re

_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][A-Z0-9]|(?<![\w\[])\[\d{1,2}m")
_COLUMN_GAP = re.compile(r"\s{2,}")


def plain(text: str) -> str:
    """The text without colours and carriage returns; a tab is one space."""
    return _ANSI.sub("", text).replace("\r", "").expandtabs(1)


def columns(line: str, count: int | None = None) -> list[str]:
    """The cells of a table's line: two spaces part them, `0x74a1,   18421` is one cell.

    Old tables leave one space between wide cells: where `count` cells are wanted and words make as many, words count.
    """
    joined = re.sub(r",\s+", ", ", line.strip())
    cells = [cell for cell in _COLUMN_GAP.split(joined) if cell]
    words = line.split()
    return words if count is not None and len(cells) != count == len(words) else cells
