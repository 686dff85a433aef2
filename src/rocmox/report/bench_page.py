"""A bench's run as one HTML page without anything from outside."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from rocmox.bench.compare import Comparison
from rocmox.bench.store import Run
from rocmox.report import bench_plots
from rocmox.report.bench import COMPARED, HEADINGS, comparison_rows, run_rows, surroundings_lines

_STYLE = """
:root { color-scheme: light; font: 15px/1.5 system-ui, sans-serif; color: #1d2733; background: #fff; }
body { max-width: 68rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
ul { columns: 2; padding-left: 1.1rem; color: #47566a; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .35rem .6rem; border-bottom: 1px solid #e3e8ef; vertical-align: top; }
th { color: #47566a; font-weight: 600; white-space: nowrap; }
td:first-child { white-space: nowrap; }
td.number { text-align: right; white-space: nowrap; }
tr.slower td { background: #fdecea; } tr.faster td { background: #e8f5ec; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(28rem, 1fr)); gap: 1rem; }
.plots svg { width: 100%; height: auto; }
pre { background: #f5f7fa; padding: .8rem; overflow-x: auto; white-space: pre-wrap; }
"""
_NUMBERS = frozenset({"tokens/s", "spread", "published", "ratio", "before", "after", "change", "noise allows"})


def to_html(run: Run, comparisons: Sequence[Comparison], history: Sequence[Run]) -> str:
    """The page; `history` are earlier runs of the same store, oldest first, this one last."""
    plots = [
        bench_plots.several_at_once(run),
        bench_plots.after_context(run),
        bench_plots.limits(run),
        bench_plots.history(history),
    ]
    parts = [
        f"<h1>{escape(run.name)}</h1>",
        "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in surroundings_lines(run)) + "</ul>",
        '<div class="plots">' + "".join(plot for plot in plots if plot) + "</div>",
        "<h2>Speeds</h2>",
        _table(HEADINGS, run_rows(run)),
    ]
    if comparisons:
        classes = [one.change for one in comparisons]
        parts += ["<h2>Against the run before</h2>", _table(COMPARED, comparison_rows(comparisons), classes)]
    if run.failures:
        parts.append("<h2>Without figures</h2>")
        parts += [f"<h3>{escape(one.label)}</h3><pre>{escape(one.reason)}</pre>" for one in run.failures]
    head = f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(run.name)}</title>'
    return f"{head}<style>{_STYLE}</style></head><body>{''.join(parts)}</body></html>\n"


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]], classes: Sequence[str] = ()) -> str:
    head = "".join(f"<th>{escape(heading)}</th>" for heading in headings)
    body = ""
    for index, row in enumerate(rows):
        name = f' class="{escape(classes[index])}"' if classes else ""
        cells = "".join(
            f"<td{' class=number' if heading in _NUMBERS else ''}>{escape(cell)}</td>"
            for heading, cell in zip(headings, row, strict=True)
        )
        body += f"<tr{name}>{cells}</tr>"
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
