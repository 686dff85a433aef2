"""The options of `rocmox bench`."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from rocmox.bench.store import default_store
from rocmox.engines.llamacpp.tune.axes import NAMES
from rocmox.machine.address import FORMS


def add_verbs(parser: argparse.ArgumentParser) -> None:
    """The three verbs."""
    verbs = parser.add_subparsers(dest="verb", required=True)
    _add_run(verbs.add_parser("run", help="measure a model with llama-bench and llama-batched-bench, and store it"))
    compare = verbs.add_parser("compare", help="what became slower or faster between two runs, beyond the noise")
    compare.add_argument("before", help="a stored run: its file, or its name in --store")
    compare.add_argument("after", help="likewise")
    report = verbs.add_parser("report", help="the newest run, or a named one, as Markdown, JSON or a page with plots")
    report.add_argument("run", nargs="?", help="a stored run, by file or name in --store (default: the newest)")
    report.add_argument("--markdown", type=Path, metavar="FILE", help="write Markdown")
    report.add_argument("--html", type=Path, metavar="FILE", help="write one self-contained page")
    report.add_argument("--fail-on-slower", action="store_true", help="exit 2 when something became slower")
    for verb in verbs.choices.values():
        verb.add_argument("--json", action="store_true", help="one JSON document on standard output")
        verb.add_argument("--store", type=Path, default=default_store(), help="folder of runs (default: %(default)s)")


def _add_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", help="the GGUF file, as the machine sees it")
    parser.add_argument("--machine", default="local", help=f"where to measure: {FORMS}")
    parser.add_argument("--name", help="what reports call the machine (default: by the way to it)")
    parser.add_argument("--llama", default="/opt/llama.cpp/current/bin", help="folder of llama.cpp's programs there")
    parser.add_argument("--split", type=_words, default=("layer",), help="split modes, as in layer,row,tensor")
    parser.add_argument("--parallel", type=_numbers, default=(1, 2, 4, 8), help="sequences at once, as in 1,2,4,8")
    parser.add_argument("--depth", type=_numbers, default=(0,), help="tokens in the context before, as in 0,4096,16384")
    parser.add_argument("--prompt", type=_count, default=512, help="tokens of the prompt (default: %(default)s)")
    parser.add_argument("--batched-prompt", type=_count, default=256, help="of each at once (default: %(default)s)")
    parser.add_argument("--generate", type=_count, default=128, help="tokens generated (default: %(default)s)")
    parser.add_argument("--repetitions", type=_count, default=5, help="of every test (default: %(default)s)")
    parser.add_argument("--gpu-layers", type=int, default=999, help="layers on cards (default: all)")
    parser.add_argument("--flash-attn", choices=("on", "off", "auto"), default="off", help="(default: %(default)s)")
    parser.add_argument("--ubatch", type=_numbers, default=(), help="tokens computed at once (default: 512)")
    parser.add_argument("--threads", type=_numbers, default=(), help="of the processor (default: llama.cpp's choice)")
    parser.add_argument("--rpc", type=_servers, default=(), help="RPC servers that compute too, as HOST:PORT,HOST:PORT")
    parser.add_argument("--timeout", type=float, default=7200, help="seconds for one command (default: %(default)s)")
    _add_search(parser.add_argument_group("search", "the fastest build and settings by A/B/A, kept and resumed"))


def _add_search(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--search", action="store_true", help="vary the axes; --ubatch and --threads list values then")
    group.add_argument("--axes", type=_axes, default=NAMES, help=f"what to vary, of {','.join(NAMES)} (default: all)")
    group.add_argument("--every", action="store_true", help="every combination, not one axis after the other")
    group.add_argument("--rounds", type=_count, default=4, help="visits to a variant at most (default: %(default)s)")
    group.add_argument("--minutes", type=float, default=0, help="begin no contest later than this (default: no limit)")
    group.add_argument("--source", help="llama.cpp's source there (default: that of the build in --llama)")
    group.add_argument("--work", default="/var/lib/llama-cpp/search", help="folder for builds (default: %(default)s)")
    group.add_argument(
        "-D", "--define", action="append", default=[], metavar="NAME=VALUE", help="for CMake (default: as that build)"
    )
    group.add_argument(
        "-E", "--environment", action="append", default=[], metavar="NAME=VALUE", help="as HIPCXX (default: likewise)"
    )


def _axes(text: str) -> tuple[str, ...]:
    words = tuple(text.split(","))
    unknown = set(words) - set(NAMES)
    if unknown:
        raise argparse.ArgumentTypeError(f"{', '.join(sorted(unknown))}: use {', '.join(NAMES)}")
    return words


def _words(text: str) -> tuple[str, ...]:
    words = tuple(text.split(","))
    unknown = set(words) - {"none", "layer", "row", "tensor"}
    if unknown:
        raise argparse.ArgumentTypeError(f"{', '.join(sorted(unknown))}: use none, layer, row, tensor")
    return words


def _numbers(text: str) -> tuple[int, ...]:
    if not text:
        return ()
    words = text.split(",")
    if not all(word.isdecimal() and word.isascii() for word in words):
        raise argparse.ArgumentTypeError(f"{text!r} is no list of whole numbers")
    return tuple(map(int, words))


def _servers(text: str) -> tuple[str, ...]:
    words = tuple(text.split(","))
    if not all(re.fullmatch(r"[^\s:]+:\d{1,5}", word) for word in words):
        raise argparse.ArgumentTypeError(f"{text!r} is no list of HOST:PORT")
    return words


def _count(text: str) -> int:
    if not (text.isdecimal() and text.isascii() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is no number above zero")
    return int(text)
