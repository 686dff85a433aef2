"""`rocmox health`: all checks, or the named ones, with one verdict."""

from __future__ import annotations

import argparse

from rocmox.cli.verdicts import EXIT_CODES
from rocmox.health.request import context_for
from rocmox.health.result import worst
from rocmox.health.run import run_checks
from rocmox.machine.address import FORMS
from rocmox.report.formats import FORMATS, HealthReport
from rocmox.report.output import deliver

_OUTPUT = "write there instead of standard output; with FORMAT= as well as there; may be given several times"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `rocmox health`."""
    parser.add_argument("--machine", default="local", help=f"where to look: {FORMS}")
    parser.add_argument("--only", default="", metavar="CHECK,…", help="run only these checks, whatever their level")
    parser.add_argument("--level", type=int, choices=(1, 2, 3), default=1, help="1 only looks, 2 and 3 use the cards")
    parser.add_argument("--format", choices=tuple(FORMATS), default="table")
    parser.add_argument("--json", action="store_const", const="json", dest="format", help="same as --format json")
    parser.add_argument("--output", action="append", default=[], metavar="[FORMAT=]FILE", help=_OUTPUT)
    parser.add_argument("--force", action="store_true", help="use the cards even while other processes hold them")
    parser.add_argument(
        "--device-user", metavar="USER", help="account that must open the devices (default: llama-server's)"
    )
    parser.add_argument("--vmid", type=int, help="VMID of this container, for --host-facts")
    parser.add_argument(
        "--host-facts",
        metavar="FILE",
        help="output of `rocmox gpus --json` on the container's host; - is standard input",
    )
    parser.add_argument(
        "--service", nargs="*", default=[], metavar="NAME=URL", help="further services that must answer"
    )


def run(arguments: argparse.Namespace) -> int:
    """Exit code by the worst verdict."""
    context = context_for(
        machine_address=arguments.machine,
        device_user=arguments.device_user,
        host_facts=arguments.host_facts,
        vmid=arguments.vmid,
        services=arguments.service,
        level=arguments.level,
        forced=arguments.force,
    )
    results = run_checks(context, only=[name for name in arguments.only.split(",") if name])
    deliver(HealthReport(context=context, results=tuple(results)), arguments.format, arguments.output)
    return EXIT_CODES[worst(results)]
