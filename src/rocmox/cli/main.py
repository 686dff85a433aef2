"""`rocmox COMMAND …`: finds the commands, maps every outcome to an exit code.

A command is a module of this package with `add_arguments(parser)` and `run(arguments) -> int`, named in
`command_table.py`. It is imported only when it is asked for: a zipapp without the controller's libraries still has what
it can run, and no command waits for the imports of another.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from typing import NoReturn, Protocol, cast

from rocmox import __version__
from rocmox.cli.command_table import COMMANDS, added_commands, module_of, travels
from rocmox.cli.exit_codes import INTERNAL, USAGE
from rocmox.errors import RocmoxError, UsageError

ABSENT = "(not in this build: it needs the controller's libraries)"


class Command(Protocol):
    """What a module of this package offers."""

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
        import traceback  # noqa: PLC0415 - nobody should have to wait for it

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
    module = module_of(words[0])
    if module is None:
        raise UsageError(f"{words[0]!r} is not a command", remedy="`rocmox --help` lists the commands.")
    command = _load(words[0], module)
    parser = Parser(prog=f"rocmox {words[0]}", description=_summary(words[0], module))
    command.add_arguments(parser)
    return command.run(parser.parse_args(words[1:]))


def _load(name: str, module: str) -> Command:
    try:
        return cast("Command", importlib.import_module(module))
    except ModuleNotFoundError as error:
        raise UsageError(
            f"`rocmox {name}` needs the Python package {error.name}, which is not installed here",
            remedy="Run it from the repository (`make lab` prepares .venv), or install rocmox with its dependencies.",
        ) from error


def _print_help() -> None:
    print("usage: rocmox COMMAND … [--json]\n\ncommands:")
    for name, summary in COMMANDS.items():
        print(f"  {name:<14}{summary if travels(name) else ABSENT}")
    for name, module in added_commands().items():
        print(f"  {name:<14}{_summary(name, module)}")
    print("\nExit codes: 0 pass, 1 warning, 2 fail, 3 unknown, 64 wrong usage, 70 internal error.")


def _summary(name: str, module: str) -> str:
    return COMMANDS.get(name) or str(importlib.import_module(module).SUMMARY)


if __name__ == "__main__":
    sys.exit(main())
