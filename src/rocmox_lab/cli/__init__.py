"""`rocmox lab …`: what this package adds to the command line. Nothing is loaded before it is asked for."""

from __future__ import annotations

import argparse

SUMMARY = "start, stop and show the embedded Proxmox VE node made of real LXC containers"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options stand after the action."""
    from rocmox_lab.cli import lab  # noqa: PLC0415 - `rocmox --help` shows the summary alone

    lab.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Dispatch one action."""
    from rocmox_lab.cli import lab  # noqa: PLC0415

    return lab.run(arguments)
