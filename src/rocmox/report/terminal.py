"""What a terminal can show: colour and symbols. Programs that read the output get neither."""

from __future__ import annotations

import os
from typing import TextIO

from rocmox.health.result import Verdict

SYMBOLS = {
    Verdict.PASS: "✓",
    Verdict.WARN: "▲",
    Verdict.FAIL: "✗",
    Verdict.CRIT: "‼",
    Verdict.NOT_APPLICABLE: "○",
    Verdict.UNKNOWN: "?",
}
# Select Graphic Rendition (ECMA-48): green, yellow, red, white on red, faint, magenta.
_COLOURS = {
    Verdict.PASS: "32",
    Verdict.WARN: "33",
    Verdict.FAIL: "31",
    Verdict.CRIT: "1;37;41",
    Verdict.NOT_APPLICABLE: "2",
    Verdict.UNKNOWN: "35",
}


def wants_colour(stream: TextIO) -> bool:
    """Whether the stream is a terminal with colours and nobody said NO_COLOR (no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def shows_symbols(stream: TextIO) -> bool:
    """Whether the stream is a terminal whose encoding has the symbols."""
    try:
        "".join(SYMBOLS.values()).encode(stream.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return stream.isatty()


def painted(text: str, verdict: Verdict) -> str:
    """The text in the verdict's colour."""
    return f"\x1b[{_COLOURS[verdict]}m{text}\x1b[0m"
