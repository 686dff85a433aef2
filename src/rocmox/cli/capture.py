"""`rocmox capture`: what the checks read, masked, as one archive for a bug report (`--machine capture:FILE`)."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rocmox.health.capture import Capture, take_capture
from rocmox.health.capture.write import write_capture
from rocmox.health.context import Context
from rocmox.health.run import run_checks
from rocmox.machine import machine_at
from rocmox.machine.address import FORMS
from rocmox.machine.captured import CapturedMachine


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `rocmox capture`."""
    parser.add_argument("-o", "--output", required=True, metavar="FILE.tar.gz", help="the archive to write")
    parser.add_argument("--machine", default="local", help=f"where to look: {FORMS}")
    parser.add_argument("--mask-ids", action="store_true", help="mask the cards' unique ids as well")


def run(arguments: argparse.Namespace) -> int:
    """Exit 0 when the archive is written; it says on standard error whether it gives the machine's own verdicts."""
    capture = take_capture(machine_at(arguments.machine), unique_ids=arguments.mask_ids)
    place = Path(arguments.output)
    write_capture(capture, place)
    print(f"{place}: {len(capture.files)} files, {len(capture.index.commands)} commands", file=sys.stderr)
    for difference in _differences(capture, place):
        print(f"rocmox: the capture says otherwise than the machine: {difference}", file=sys.stderr)
    print(f"Read it before you send it: tar xzOf {place} | less", file=sys.stderr)
    return 0


def _differences(capture: Capture, place: Path) -> list[str]:
    """Results that the capture gives otherwise."""
    there = run_checks(Context(machine=CapturedMachine(place)))
    live = {(result.check, result.code, result.verdict.value) for result in capture.results}
    again = {(result.check, result.code, result.verdict.value) for result in there}
    return [" ".join(difference) for difference in sorted(live ^ again)]
