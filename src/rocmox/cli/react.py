"""`rocmox react`: what follows from the results of `rocmox health`; started by rocmox-health.service on a node."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rocmox.cli.exit_codes import FAIL, PASS
from rocmox.health.watch.react import react
from rocmox.health.watch.settings import read_settings
from rocmox.machine import LocalMachine


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `rocmox react`."""
    parser.add_argument(
        "--configuration",
        type=Path,
        default=Path("/etc/rocmox/react.json"),
        metavar="FILE",
        help="settings (default: %(default)s)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Exit 0 when everything was done, else 2."""
    return PASS if react(LocalMachine(), read_settings(arguments.configuration), _say) else FAIL


def _say(priority: int, words: str) -> None:
    """A line for journald, its priority in front (sd-daemon(3))."""
    line = "".join(character if character.isprintable() else " " for character in words)
    print(f"<{priority}>rocmox: {line}", file=sys.stderr, flush=True)
