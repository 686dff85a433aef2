"""`rocmox repair`: on a node, before its guests start: containers follow cards that changed their numbers."""

from __future__ import annotations

import argparse
import sys

from rocmox.cli.exit_codes import FAIL, PASS, WARNING
from rocmox.containers.apply.repair import await_cards, repair
from rocmox.containers.apply.stored_specs import read_stored_specs
from rocmox.containers.current.cards import NodeCard
from rocmox.gpu.join import read_gpus
from rocmox.machine import LocalMachine
from rocmox.proxmox import PveshApi
from rocmox.report.document import print_document


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `rocmox repair`."""
    parser.add_argument(
        *("--desired", "--wishes"), default="/etc/rocmox/containers", metavar="DIR", help="default: %(default)s"
    )
    parser.add_argument(
        "--wait-seconds", type=float, default=0, metavar="N", help="how long to wait for drivers and a quorum"
    )
    parser.add_argument("--dry-run", action="store_true", help="dry run: say what would change, change nothing")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")


def run(arguments: argparse.Namespace) -> int:
    """0 nothing to do or repaired, 1 with --dry-run something to do, 2 a container could not be repaired."""
    machine = LocalMachine()
    stored, problems = read_stored_specs(machine, arguments.desired)

    def read_cards() -> tuple[NodeCard, ...]:
        return tuple(NodeCard.from_gpu(gpu) for gpu in read_gpus(machine))

    cards = await_cards(read_cards, stored, wait_seconds=arguments.wait_seconds)
    api = PveshApi(machine)
    repairs = repair(api, stored, cards, dry_run=arguments.dry_run, wait_seconds=arguments.wait_seconds)
    problems += tuple(f"container {entry.vmid}: {entry.problem}" for entry in repairs if entry.problem)
    for problem in problems:
        print(f"rocmox: {problem}", file=sys.stderr)
    if arguments.json:
        steps = [{"vmid": e.vmid, "step": str(e.step) if e.step else None, "problem": e.problem} for e in repairs]
        print_document({"schema_version": 1, "containers": steps, "problems": list(problems)})
    else:
        print("\n".join(str(entry.step) for entry in repairs if entry.step) or "no card changed its number")
    if problems:
        return FAIL
    return WARNING if arguments.dry_run and any(entry.step for entry in repairs) else PASS
