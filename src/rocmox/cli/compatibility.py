"""`rocmox compatibility`: which driver works with which kernel, every row with its source."""

from __future__ import annotations

import argparse

from rocmox.cli.exit_codes import PASS
from rocmox.compatibility import load_rows, to_json
from rocmox.report.document import print_document
from rocmox.report.table import render_table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `rocmox compatibility`."""
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")


def run(arguments: argparse.Namespace) -> int:
    """Always 0: a table gives no verdict. What no row covers is unknown."""
    if arguments.json:
        print_document(to_json())
        return PASS
    head = ("PVE", "kernel", "driver", "ROCm", "architecture", "verdict", "basis", "note and source")
    rows = [
        (row.pve, row.kernel, row.driver, row.rocm, row.architecture, row.verdict.value, row.basis, row.note)
        for row in load_rows()
    ]
    print(render_table(head, rows))
    print("\n".join(dict.fromkeys(row.source for row in load_rows())))
    print("What no row speaks about is unknown: the build decides, before anything is rebooted.")
    return PASS
