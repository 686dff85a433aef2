"""`rocmox COMMAND …`: finds the commands, maps every outcome to an exit code.

A command is a module of this package with `SUMMARY` (one line), `add_arguments(parser)` and `run(arguments) -> int`.
It is imported only when it is asked for, so a zipapp without the controller's libraries still has what it can run.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import traceback
from collections.abc import Sequence
from typing import NoReturn, Protocol, cast

from rocmox import __version__
from rocmox.cli.exit_codes import INTERNAL, USAGE
from rocmox.errors import RocmoxError, UsageError

# Command name → module of this package, in the order of the help text.
COMMANDS = {
    "gpus": "gpus",
    "health": "health",
    "mes": "mes",
    "kernel-log": "kernel_log",
    "capture": "capture",
    "p2p": "p2p",
    "containers": "containers",
    "repair": "repair",
    "react": "react",
    "llamacpp": "llamacpp",
    "bench": "bench",
    "host": "host",
    "compatibility": "compatibility",
    "fit": "fit",
    "lab": "lab",
}


class Command(Protocol):
    """What a module of this package offers."""

    SUMMARY: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None: ...
    def run(self, arguments: argparse.Namespace) -> int: ...


class Parser(argparse.ArgumentParser):
    """argparse, with the exit code of the contracts for wrong usage (64) instead of 2."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(USAGE, f"{self.prog}: {message}\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point of `rocmox`; returns the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        return _dispatch(words)
    except RocmoxError as error:
        print(f"rocmox: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("rocmox: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 141
    except Exception:  # noqa: BLE001 - the last resort: a defect must end in 70, never in a bare traceback
        traceback.print_exc()
        print("rocmox: this is a defect of rocmox; please report it with the lines above", file=sys.stderr)
        return INTERNAL


def _dispatch(words: list[str]) -> int:
    if not words or words[0] in {"-h", "--help"}:
        _print_help()
        return 0 if words else USAGE
    if words[0] == "--version":
        print(f"rocmox {__version__}")
        return 0
    if words[0] not in COMMANDS:
        raise UsageError(f"{words[0]!r} is no command", remedy="`rocmox --help` lists the commands.")
    command = _load(words[0])
    parser = Parser(prog=f"rocmox {words[0]}", description=command.SUMMARY)
    command.add_arguments(parser)
    return command.run(parser.parse_args(words[1:]))


def _load(name: str) -> Command:
    try:
        return cast("Command", importlib.import_module(f"rocmox.cli.{COMMANDS[name]}"))
    except ModuleNotFoundError as error:
        raise UsageError(
            f"`rocmox {name}` needs the Python package {error.name}, which is not installed here",
            remedy="Run it from the repository (`make lab` prepares .venv), or install rocmox with its dependencies.",
        ) from error


def _print_help() -> None:
    print("usage: rocmox COMMAND … [--json]\n\ncommands:")
    for name in COMMANDS:
        print(f"  {name:<14}{_summary(name)}")
    print("\nExit codes: 0 pass, 1 warning, 2 fail, 3 unknown, 64 wrong usage, 70 internal error.")


def _summary(name: str) -> str:
    try:
        return _load(name).SUMMARY
    except UsageError:
        return "(not in this build: it needs the controller's libraries)"


if __name__ == "__main__":
    sys.exit(main())
