"""`rocmox bench report [RUN]`: a stored run as Markdown, JSON or a page with plots, against the run before."""

from __future__ import annotations

import argparse
from pathlib import Path

from rocmox.bench.history import before, compare_with_former
from rocmox.bench.store import Run, load, load_all
from rocmox.cli.bench_progress import tell
from rocmox.cli.exit_codes import FAIL, PASS
from rocmox.errors import UsageError
from rocmox.report.bench import to_json, to_markdown
from rocmox.report.document import print_document


def run_report(arguments: argparse.Namespace) -> int:
    """Exit 0; with `--fail-on-slower` 2 when something became slower than in the run before."""
    runs = load_all(arguments.store)
    chosen = load(arguments.run) if arguments.run else _newest(runs, arguments.store)
    earlier = before(chosen, runs)
    pairs = compare_with_former(chosen, earlier)
    if arguments.markdown:
        arguments.markdown.write_text(to_markdown(chosen, pairs), encoding="utf-8")
    if arguments.html:
        from rocmox.report.bench_page import to_html  # noqa: PLC0415 - only the page draws

        arguments.html.write_text(to_html(chosen, pairs, [*earlier, chosen]), encoding="utf-8")
    if arguments.json:
        print_document(to_json(chosen, pairs))
    elif not arguments.markdown and not arguments.html:
        print(to_markdown(chosen, pairs), end="")
    slower = [pair for pair in pairs if pair.change == "slower"]
    for line in earlier[-1].surroundings.differences(chosen.surroundings) if slower else ():
        tell(line)
    for pair in slower:
        tell(
            f"slower: {pair.after.label()}: {pair.before.tokens_per_second:.2f} → {pair.after.tokens_per_second:.2f}/s"
        )
    return FAIL if arguments.fail_on_slower and slower else PASS


def _newest(runs: list[Run], folder: Path) -> Run:
    if not runs:
        raise UsageError(f"{folder} holds no runs", remedy="`rocmox bench run` measures and stores one.")
    return runs[-1]
