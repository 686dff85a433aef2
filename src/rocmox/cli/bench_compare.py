"""`rocmox bench compare BEFORE AFTER`: what became slower or faster, beyond the noise."""

from __future__ import annotations

import argparse

from rocmox.bench.compare import compare
from rocmox.bench.history import Former
from rocmox.bench.store import Run, find
from rocmox.cli.bench_progress import tell
from rocmox.cli.exit_codes import FAIL, PASS
from rocmox.errors import UsageError
from rocmox.report.bench import COMPARED, comparison_rows, to_json, to_text
from rocmox.report.document import print_document


def run_compare(arguments: argparse.Namespace) -> int:
    """Exit 2 when something became slower, whatever changed between the two; 64 when they have nothing in common."""
    before, after = (find(name, arguments.store) for name in (arguments.before, arguments.after))
    pairs = compare(before.measurements, after.measurements)
    if not pairs:
        raise UsageError(
            f"the two runs measured nothing under the same settings: {_measured(before)}; {_measured(after)}",
            remedy="Compare runs of one model and one plan.",
        )
    differences = tuple(before.surroundings.differences(after.surroundings))
    for line in differences:
        tell(f"not the same in both: {line}")
    if arguments.json:
        print_document(to_json(after, Former(run=before, comparisons=tuple(pairs), differences=differences)))
    else:
        print(to_text(COMPARED, comparison_rows(pairs)))
    return FAIL if any(pair.change == "slower" for pair in pairs) else PASS


def _measured(run: Run) -> str:
    """`2026-01-01 …: llama 70B (decode 128, split layer; …)`."""
    models = ", ".join(dict.fromkeys(one.model for one in run.measurements))
    labels = list(dict.fromkeys(one.label() for one in run.measurements))
    more = f" and {len(labels) - 2} more" if len(labels) > 2 else ""  # noqa: PLR2004 - two tell enough
    return f"{run.name}: {models} ({'; '.join(labels[:2])}{more})"
