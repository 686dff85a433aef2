"""`rocmox health`: all checks, or the named ones, with one verdict."""

from __future__ import annotations

import argparse
import sys

from rocmox.cli.exit_codes import FAIL, PASS, UNKNOWN, WARNING
from rocmox.health.request import context_for
from rocmox.health.result import Verdict, worst
from rocmox.health.run import run_checks
from rocmox.machine.address import FORMS
from rocmox.report.document import print_document
from rocmox.report.health import to_json, to_text

SUMMARY = "checks of driver, devices and services, with remedies"

_EXIT_CODES = {
    Verdict.PASS: PASS,
    Verdict.NOT_APPLICABLE: PASS,
    Verdict.WARN: WARNING,
    Verdict.FAIL: FAIL,
    Verdict.CRIT: FAIL,
    Verdict.UNKNOWN: UNKNOWN,
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `rocmox health`."""
    parser.add_argument("--machine", default="local", help=f"where to look: {FORMS}")
    parser.add_argument("--only", default="", metavar="CHECK,…", help="run these checks alone, whatever their level")
    parser.add_argument("--level", type=int, choices=(1, 2, 3), default=1, help="1 only looks, 2 and 3 use the cards")
    parser.add_argument("--format", choices=("table", "json"), default="table")
    parser.add_argument("--json", action="store_const", const="json", dest="format", help="same as --format json")
    parser.add_argument("--device-user", metavar="USER", help="who opens the devices (default: llama-server's user)")
    parser.add_argument("--vmid", type=int, help="the container this is, for --host-facts")
    parser.add_argument("--host-facts", metavar="FILE", help="`rocmox gpus --json` of the container's node; - is stdin")
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
    )
    only = [name for name in arguments.only.split(",") if name]
    results = run_checks(context, only=only, level=arguments.level)
    if arguments.format == "json":
        print_document(to_json(context.machine.name, results))
        print(to_text(results), file=sys.stderr)
    else:
        print(to_text(results))
    return _EXIT_CODES[worst(results)]
