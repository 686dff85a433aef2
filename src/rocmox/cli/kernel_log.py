"""`rocmox kernel-log`: what a kernel log says about the cards (`dmesg`, `journalctl -k`, kern.log, a posting)."""

from __future__ import annotations

import argparse
import shlex

from rocmox.cli.verdicts import EXIT_CODES
from rocmox.errors import UsageError
from rocmox.facts.kernel_log.source import open_log
from rocmox.health.kernel_log.findings import LogReport, read_log
from rocmox.report.document import print_document
from rocmox.report.kernel_log import to_json, to_text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `rocmox kernel-log`."""
    parser.add_argument(
        "file", nargs="?", metavar="FILE", help="a log in any form, compressed or not; - is standard input"
    )
    parser.add_argument("--json", action="store_true", help="one JSON document; with --follow one document a line")
    parser.add_argument(
        "--follow", action="store_true", help="go on as the log grows; without FILE: this machine's journal"
    )
    parser.add_argument(
        "--on-trouble", metavar="COMMAND", help="with --follow: run this when a card fails, at most every 30 s"
    )
    parser.add_argument("--new", action="store_true", help="with --follow: only what is written from now on")


def run(arguments: argparse.Namespace) -> int:
    """Exit code by the verdict; with --follow when the log ends or on a signal."""
    if arguments.follow:
        from rocmox.cli.kernel_log_follow import follow  # noqa: PLC0415 - machinery of this one option

        command = shlex.split(arguments.on_trouble or "")
        report = follow(arguments.file, as_json=arguments.json, only_new=arguments.new, on_trouble=command)
        return EXIT_CODES[report.verdict]
    if arguments.file is None:
        raise UsageError(
            "name the log to read",
            remedy="`journalctl -k | rocmox kernel-log -`, or `rocmox health --only kernel_log` for this machine.",
        )
    with open_log(arguments.file) as source:
        report = read_log(source)
    _show(report, as_json=arguments.json)
    return EXIT_CODES[report.verdict]


def _show(report: LogReport, *, as_json: bool) -> None:
    if as_json:
        print_document(to_json(report))
    else:
        print(to_text(report))
