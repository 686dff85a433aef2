"""`rocmox read`: which kind of output a pasted text is, and the facts that rocmox reads out of it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rocmox.errors import UsageError
from rocmox.facts.posted import KINDS, parse_posted, recognise
from rocmox.report.document import print_document
from rocmox.report.posted import to_json, to_text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `rocmox read`."""
    parser.add_argument(
        "file", metavar="FILE", help="output of lspci, rocm-smi, amd-smi, rocminfo, sensors … ; - is standard input"
    )
    parser.add_argument("--kind", choices=sorted(KINDS), help="what it is, where the text alone does not tell")
    parser.add_argument("--json", action="store_true", help="one JSON document")


def run(arguments: argparse.Namespace) -> int:
    """0 for a text that is read; CannotLookError for one that is not."""
    text = _read(arguments.file)
    kind, facts = (arguments.kind, parse_posted(arguments.kind, text)) if arguments.kind else recognise(text)
    if arguments.json:
        print_document(to_json(kind, facts))
    else:
        print(to_text(kind, facts))
    return 0


def _read(file: str) -> str:
    try:
        content = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}", remedy="Name a file, or - to paste it.") from error
    return content.decode(errors="replace")
