"""`rocmox bench run|compare|report`: llama.cpp's own benches, stored with their surroundings, compared and drawn."""

from __future__ import annotations

import argparse

from rocmox.cli.bench_arguments import add_verbs
from rocmox.cli.bench_compare import run_compare
from rocmox.cli.bench_report import run_report
from rocmox.cli.bench_run import run_run


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The verbs of `rocmox bench`."""
    add_verbs(parser)


def run(arguments: argparse.Namespace) -> int:
    """Exit 0; `compare` and `report --fail-on-slower` exit 2 when something became slower beyond the noise."""
    return {"run": run_run, "compare": run_compare, "report": run_report}[arguments.verb](arguments)
