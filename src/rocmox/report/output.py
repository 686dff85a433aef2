"""Reports as files: whoever reads one finds the whole of the old or the whole of the new."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from rocmox import files
from rocmox.errors import UsageError
from rocmox.report.formats import FORMATS, HealthReport, render
from rocmox.report.terminal import shows_symbols, wants_colour

_MODE = 0o644  # node_exporter and people read them; no report holds a secret


@dataclasses.dataclass(frozen=True, kw_only=True)
class Output:
    """A file to write; `format` is None when it takes the place of standard output."""

    format: str | None
    path: Path


def deliver(report: HealthReport, chosen: str, destinations: Sequence[str]) -> None:
    """Files, then standard output unless a file replaces it; people at a terminal always see the table."""
    outputs = [parse_output(text) for text in destinations]
    for output in outputs:
        write_report(output, report, chosen)
    if all(output.format for output in outputs):
        _show(report, chosen, sys.stdout)
    if chosen not in {"table", "journal"}:
        _show(report, "table", sys.stderr)


def _show(report: HealthReport, chosen: str, stream: TextIO) -> None:
    """As the stream can show it; ? for a character that its encoding lacks."""
    shown = dataclasses.replace(report, symbols=shows_symbols(stream), colour=wants_colour(stream))
    encoding = stream.encoding or "utf-8"
    print(render(chosen, shown).encode(encoding, "replace").decode(encoding), file=stream)


def parse_output(text: str) -> Output:
    """`"FILE"`, or `"FORMAT=FILE"` for one with a format of its own."""
    name, equals, path = text.partition("=")
    if equals and name in FORMATS:
        return Output(format=name, path=Path(path))
    return Output(format=None, path=Path(text))


def write_report(output: Output, report: HealthReport, chosen: str) -> None:
    """Renders and writes, in the `chosen` format where the file has none; UsageError when it cannot be written."""
    plain = dataclasses.replace(report, symbols=False, colour=False)
    write_whole(output.path, render(output.format or chosen, plain) + "\n")


def write_whole(path: Path, text: str) -> None:
    """Replaces the file in one step, mode 0644; UsageError when that is not possible."""
    try:
        files.write_whole(path, text.encode(errors="replace"), mode=_MODE)
    except OSError as error:
        raise UsageError(
            f"{path} cannot be written: {error.strerror or error}", remedy="Name a file in a directory that exists."
        ) from error
