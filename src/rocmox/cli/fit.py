"""`rocmox fit`: whether a model fits the cards, where each byte goes, and the largest context."""

from __future__ import annotations

import argparse
from pathlib import Path

from rocmox.cli.exit_codes import FAIL, PASS
from rocmox.engines.llamacpp.memory.ask import plan_named
from rocmox.engines.llamacpp.memory.catalogue import list_models
from rocmox.engines.llamacpp.memory.document import to_json
from rocmox.engines.llamacpp.memory.options import add_settings, read_request
from rocmox.engines.llamacpp.memory.solve import Answer
from rocmox.errors import CannotLookError, UsageError
from rocmox.report.document import print_document
from rocmox.report.fit import to_text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `rocmox fit`."""
    parser.add_argument(
        "model", nargs="?", metavar="MODEL", help="a .gguf, its http(s) URL, or a name that --list shows"
    )
    parser.add_argument("--cards", metavar="SPEC", help="3xmi50-16g, 2xw7900, 4x24576MiB, a+b, or machine")
    add_settings(parser)
    parser.add_argument("--machine", default="local", help="the machine that --cards machine looks at")
    parser.add_argument("--picture", metavar="FILE", help="draw one bar per card into this .svg or .html")
    parser.add_argument("--list", action="store_true", help="list the models that need no file")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")


def run(arguments: argparse.Namespace) -> int:
    """Exit 0 when it fits, 2 when it does not or is refused."""
    if arguments.list:
        print("\n".join(list_models()))
        return PASS
    if not arguments.model or not arguments.cards:
        raise UsageError(
            "a MODEL and --cards are needed", remedy="For example: rocmox fit llama-3.3-70b:q4_K_S --cards 3xmi50-16g"
        )
    request = read_request(arguments)
    result = plan_named(arguments.model, request, cards=arguments.cards, machine=arguments.machine)
    if arguments.picture:
        _draw(result, Path(arguments.picture))
    if arguments.json:
        print_document(to_json(result))
    else:
        print(to_text(result))
    return PASS if result.fits else FAIL


def _draw(result: Answer, path: Path) -> None:
    from rocmox.report.fit_picture import to_html, to_svg  # noqa: PLC0415 - only a picture needs it

    draw = {".svg": to_svg, ".html": to_html}.get(path.suffix.lower())
    if draw is None:
        raise UsageError(f"--picture {path}: the name ends neither in .svg nor in .html")
    try:
        path.write_text(draw(result), encoding="utf-8")
    except OSError as error:
        raise CannotLookError(f"--picture {path}: {error.strerror or error}") from error
