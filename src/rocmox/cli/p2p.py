"""`rocmox p2p`: whether copies from card to card arrive (`rocm-bandwidth-test -v`, and what it does not see)."""

from __future__ import annotations

import argparse
import sys

from rocmox.cli.verdicts import EXIT_CODES
from rocmox.errors import UsageError
from rocmox.health.p2p.run import examine
from rocmox.health.request import context_for
from rocmox.machine.address import FORMS
from rocmox.report.document import print_document
from rocmox.report.p2p import to_json, to_text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `rocmox p2p`."""
    parser.add_argument("--machine", default="local", help=f"where to test: {FORMS}")
    parser.add_argument(
        "--level", type=int, choices=(2, 3), default=2, help="2 takes seconds; 3 all sizes, all pairs at once"
    )
    parser.add_argument(
        "--limit", type=float, metavar="SECONDS", help="limit for one pair (default: 20 at level 2, 90 at 3)"
    )
    parser.add_argument(
        "--force", action="store_true", help="test cards in use, and pairs the driver claims nothing for"
    )
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")


def run(arguments: argparse.Namespace) -> int:
    """Exit code by the worst pair."""
    if arguments.limit is not None and not 0 < arguments.limit <= 3600:  # noqa: PLR2004 - an hour; also refuses NaN
        raise UsageError(f"--limit {arguments.limit:g}: give seconds between 0 and 3600")
    context = context_for(machine_address=arguments.machine, level=arguments.level, forced=arguments.force)
    report = examine(context, limit_seconds=arguments.limit, progress=lambda words: print(words, file=sys.stderr))
    if arguments.json:
        print_document(to_json(context.machine.name, report))
        print(to_text(report), file=sys.stderr)
    else:
        print(to_text(report))
    return EXIT_CODES[report.verdict]
