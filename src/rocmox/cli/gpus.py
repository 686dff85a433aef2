"""`rocmox gpus`: every AMD GPU of a machine (`lspci`, `rocm-smi`, `rocminfo` in one)."""

from __future__ import annotations

import argparse
import sys

from rocmox.cli.exit_codes import FAIL, PASS
from rocmox.gpu.details import read_details
from rocmox.gpu.inventory import read_inventory, to_json
from rocmox.machine import machine_at
from rocmox.machine.address import FORMS
from rocmox.machine.quick import quick
from rocmox.report.document import print_document
from rocmox.report.gpus import to_text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `rocmox gpus`."""
    parser.add_argument("--machine", default="local", help=f"where to look: {FORMS}")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")


def run(arguments: argparse.Namespace) -> int:
    """Exit 0 with cards, 2 without any."""
    machine = quick(machine_at(arguments.machine))
    inventory = read_inventory(machine)
    details = read_details(machine, inventory.gpus)
    if arguments.json:
        print_document(to_json(inventory, details))
    elif inventory.gpus:
        print(to_text(inventory, details))
    if not inventory.gpus:
        print(f"rocmox: no AMD GPU is on the PCI bus of {inventory.machine}", file=sys.stderr)
        return FAIL
    return PASS
