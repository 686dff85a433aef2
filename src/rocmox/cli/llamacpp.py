"""`rocmox llamacpp inspect|patch DIR`: what a llama.cpp source tree can do, and patching mmvq for gfx906."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rocmox.cli.exit_codes import PASS
from rocmox.engines.llamacpp.source.mmvq import ARCHITECTURES
from rocmox.engines.llamacpp.source.patching import plan_patch, plan_revert
from rocmox.engines.llamacpp.source.tree import read_tree
from rocmox.errors import UsageError
from rocmox.report.document import print_document
from rocmox.report.llamacpp import patch_to_json, tree_to_json, tree_to_text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The two verbs of `rocmox llamacpp`."""
    verbs = parser.add_subparsers(dest="verb", required=True)
    inspect = verbs.add_parser("inspect", help="show build, commit, features and defects of a source tree")
    patch = verbs.add_parser("patch", help="give mmvq.cu its own geometry for one architecture and show the difference")
    for verb in (inspect, patch):
        verb.add_argument("directory", type=Path, help="a llama.cpp source tree")
        verb.add_argument(
            "--arch", default="gfx906", help=f"the GPU's architecture; patches: {', '.join(ARCHITECTURES)}"
        )
        verb.add_argument("--json", action="store_true", help="one JSON document on standard output")
    patch.add_argument(
        "--nwarps", help="warps of a block: one number, or eight for 1 to 8 columns (default: upstream's)"
    )
    patch.add_argument("--rows", help="rows of a block: one number, or eight for 1 to 8 columns (default: 1)")
    patch.add_argument("--dry-run", action="store_true", help="show the difference and write nothing")
    patch.add_argument("--revert", action="store_true", help="remove the patch")


def run(arguments: argparse.Namespace) -> int:
    """Exit 0; 2 when a file is refused, 64 for a wrong folder or setting."""
    if arguments.verb == "inspect":
        tree = read_tree(arguments.directory)
        if arguments.json:
            print_document(tree_to_json(tree, [arguments.arch]))
        else:
            print(tree_to_text(tree, [arguments.arch]))
        return PASS
    if arguments.revert and (arguments.nwarps or arguments.rows):
        raise UsageError("--revert removes the patch and takes no settings", remedy="Leave out --nwarps and --rows.")
    change = (
        plan_revert(arguments.directory)
        if arguments.revert
        else plan_patch(arguments.directory, architecture=arguments.arch, nwarps=arguments.nwarps, rows=arguments.rows)
    )
    if change.needed and not arguments.dry_run:
        change.write()
    if arguments.json:
        print_document(patch_to_json(change, written=change.needed and not arguments.dry_run))
    else:
        print(change.difference(), end="")
    state = "already as asked" if not change.needed else "would change" if arguments.dry_run else "changed"
    print(f"{change.path}: {state}", file=sys.stderr)
    return PASS
