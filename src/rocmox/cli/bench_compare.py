"""`rocmox bench compare BEFORE AFTER`: what became slower or faster, beyond the noise."""

from __future__ import annotations

import argparse

from rocmox.bench.compare import compare
from rocmox.bench.store import load
from rocmox.cli.bench_progress import tell
from rocmox.cli.exit_codes import FAIL, PASS
from rocmox.errors import UsageError
from rocmox.report.bench import COMPARED, comparison_rows, to_json, to_text
from rocmox.report.document import print_document


def run_compare(arguments: argparse.Namespace) -> int:
    """Exit 2 when something became slower; 64 when the two have nothing in common."""
    before, after = load(arguments.before), load(arguments.after)
    pairs = compare(before.measurements, after.measurements)
    if not pairs:
        raise UsageError("the two runs measured nothing under the same settings", remedy="Compare runs of one plan.")
    for line in before.surroundings.differences(after.surroundings):
        tell(line)
    if arguments.json:
        print_document(to_json(after, pairs))
    else:
        print(to_text(COMPARED, comparison_rows(pairs)))
    return FAIL if any(pair.change == "slower" for pair in pairs) else PASS
