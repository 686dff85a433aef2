"""`rocmox bench report [RUN]`: a stored run as Markdown, JSON or a page with plots, against the run before."""

from __future__ import annotations

import argparse

from rocmox.bench.history import Former, before, compare_with_former
from rocmox.bench.store import Run, find, load_all
from rocmox.cli.bench_progress import tell
from rocmox.cli.exit_codes import FAIL, PASS
from rocmox.errors import UsageError
from rocmox.report.bench import former_title, to_json, to_markdown
from rocmox.report.document import print_document
from rocmox.report.output import write_whole


def run_report(arguments: argparse.Namespace) -> int:
    """Exit 0; with `--fail-on-slower` 2 when something became slower than in the last run that is comparable."""
    chosen = find(arguments.run, arguments.store) if arguments.run else None
    runs = load_all(arguments.store)
    chosen = chosen or _newest(runs, arguments)
    earlier = before(chosen, runs)
    former = compare_with_former(chosen, earlier)
    if arguments.markdown:
        write_whole(arguments.markdown, to_markdown(chosen, former))
    if arguments.html:
        from rocmox.report.bench_page import to_html  # noqa: PLC0415 - only the page draws

        write_whole(arguments.html, to_html(chosen, former, [*earlier, chosen]))
    if arguments.json:
        print_document(to_json(chosen, former))
    elif not arguments.markdown and not arguments.html:
        print(to_markdown(chosen, former), end="")
    return FAIL if former and _say(former) and arguments.fail_on_slower else PASS


def _say(former: Former) -> bool:
    """Whether something became slower; what changed goes to standard error."""
    if former.differences:
        tell(former_title(former))
        for line in former.differences:
            tell(f"  {line}")
    slower = [pair for pair in former.comparisons if pair.change == "slower"]
    for pair in slower:
        change = f"{pair.before.tokens_per_second:.2f} → {pair.after.tokens_per_second:.2f}/s"
        tell(f"slower than in {former.run.name}: {pair.after.label()}: {change}")
    return bool(slower)


def _newest(runs: list[Run], arguments: argparse.Namespace) -> Run:
    if not runs:
        raise UsageError(f"{arguments.store} holds no runs", remedy="`rocmox bench run` measures and stores one.")
    return max(runs, key=lambda run: run.started)
