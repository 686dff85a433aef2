"""`rocmox mes`: whether the scheduler of every card works (MES on gfx11 and later, HWS before)."""

from __future__ import annotations

import argparse

from rocmox.cli.verdicts import EXIT_CODES
from rocmox.health.request import context_for
from rocmox.health.result import worst
from rocmox.health.run import run_checks
from rocmox.machine.address import FORMS
from rocmox.report.formats import HealthReport, render


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `rocmox mes`."""
    parser.add_argument("--machine", default="local", help=f"where to look: {FORMS}")
    parser.add_argument(
        "--level", type=int, choices=(1, 2, 3), default=1, help="1 only looks, 2 and 3 create and remove queues"
    )
    parser.add_argument("--force", action="store_true", help="use the cards even while other processes hold them")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")


def run(arguments: argparse.Namespace) -> int:
    """Exit code by the worst verdict."""
    context = context_for(machine_address=arguments.machine, level=arguments.level, forced=arguments.force)
    results = run_checks(context, only=["mes"])
    print(render("json" if arguments.json else "table", HealthReport(context=context, results=tuple(results))))
    return EXIT_CODES[worst(results)]
