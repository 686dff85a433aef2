"""`rocmox served`: what a machine serves and whether it runs, from the descriptors that the roles write."""

from __future__ import annotations

import argparse

from rocmox.cli.exit_codes import PASS, UNKNOWN
from rocmox.engines.registry import all_engines
from rocmox.facts.served_now import read_document
from rocmox.machine import machine_at
from rocmox.machine.address import FORMS
from rocmox.report.document import print_document
from rocmox.report.served import to_text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `rocmox served`."""
    parser.add_argument("--machine", default="local", help=f"where to look: {FORMS}")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")


def run(arguments: argparse.Namespace) -> int:
    """Exit 0; 3 when a unit has no descriptor, so that what it serves is unknown."""
    document = read_document(machine_at(arguments.machine))
    if arguments.json:
        print_document(document)
    else:
        print(to_text(document, {name: engine.idle.value for name, engine in all_engines().items()}))
    return UNKNOWN if document["undescribed"] else PASS
