"""A bench's run as one HTML page without anything from outside, for light and dark."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from rocmox.bench.history import Former
from rocmox.bench.measurement import Measurement
from rocmox.bench.roofline import share
from rocmox.bench.store import Run
from rocmox.report import bench_plots
from rocmox.report.bench import COMPARED, comparison_rows, former_title, limit_notes, run_table, surroundings_lines
from rocmox.report.bench import title as run_title
from rocmox.report.bench_style import STYLE
from rocmox.report.markup import clean

_NUMBERS = frozenset(
    {"tokens/s", "range", "of the limit", "published", "ratio", "before", "after", "change", "noise allows"}
)
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def to_html(run: Run, former: Former | None, history: Sequence[Run]) -> str:
    """The page; `history` are earlier runs of the same store, oldest first, this one last."""
    title = _text(run_title(run))
    parts = [
        f'<header><h1>{title}</h1><p class="soft">{_text(run.name)}</p></header><main>',
        _tiles(run, former),
        _plots(run, history),
        *_against(former),
        "<h2>Speeds</h2>",
        _table(*run_table(run)),
        *_facts([f"limit of {line}" for line in limit_notes(run)], "notes"),
        *_without_figures(run),
        "<h2>Measured on</h2>",
        *_facts(surroundings_lines(run)),
    ]
    head = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
    )
    return f"{head}<style>{STYLE}</style></head><body>{''.join(parts)}</main></body></html>\n"


def _tiles(run: Run, former: Former | None) -> str:
    """What one looks for first: one request, many requests, and what changed."""
    tiles = []
    for phase, words in (("decode", "written by one request"), ("prefill", "read by one request")):
        if one := _best(run, [one for one in run.measurements if (one.phase, one.parallel) == (phase, 1)]):
            limit = share(one, run).share
            of_limit = f", {limit * 100:.0f} % of the limit" if limit is not None else ""
            tiles.append((phase, f"{one.tokens_per_second:.1f}", f"tokens/s {words}{_by(one, run)}{of_limit}"))
    if one := _best(run, [one for one in run.measurements if one.parallel > 1 and one.phase == "decode"]):
        words = f"tokens/s written by {one.parallel} at once{_by(one, run)}"
        tiles.append(("decode", f"{one.tokens_per_second:.1f}", words))
    if former:
        tiles.append(_changes(former))
    cells = "".join(
        f'<li class="{kind}"><strong>{_text(big)}</strong>{_text(small)}</li>' for kind, big, small in tiles
    )
    return f'<ul class="tiles">{cells}</ul>'


def _best(run: Run, found: Sequence[Measurement]) -> Measurement | None:
    """The fastest from the emptiest context that was measured."""
    least = min((one.depth_tokens for one in run.measurements), default=0)
    fresh = [one for one in found if one.depth_tokens == least]
    return max(fresh, key=lambda one: one.tokens_per_second, default=None)


def _by(measurement: Measurement, run: Run) -> str:
    """The split mode, where the run has several."""
    return f", split {measurement.split_mode}" if len({one.split_mode for one in run.measurements}) > 1 else ""


def _changes(former: Former) -> tuple[str, str, str]:
    if former.differences:
        return "same", "not comparable", f"with the run before: {len(former.differences)} things of the machine changed"
    words = ("slower", "faster", "same", "too noisy")
    counts = {word: sum(one.change == word for one in former.comparisons) for word in words}
    shown = [f"{count} {word}" for word, count in counts.items() if count] or ["nothing in common"]
    worst = "slower" if counts["slower"] else "faster" if counts["faster"] else "same"
    rest = f", {', '.join(shown[1:])}" if shown[1:] else ""
    return worst, shown[0], f"of {len(former.comparisons)} figures{rest}, against the run before"


def _plots(run: Run, history: Sequence[Run]) -> str:
    drawn = (
        ("Several requests at once", bench_plots.several_at_once(run)),
        ("As the context fills", bench_plots.after_context(run)),
        ("Runs so far", bench_plots.history(history)),
        ("How near the hardware's limit", bench_plots.limits(run)),
    )
    figures = "".join(
        f'<figure><figcaption>{title}</figcaption><div class="panels">{"".join(panels)}</div></figure>'
        for title, panels in drawn
        if panels
    )
    return f'<div class="plots">{figures}</div>'


def _against(former: Former | None) -> list[str]:
    if not former:
        return []
    parts = [f"<h2>{_text(former_title(former))}</h2>", *_facts(former.differences)]
    changes = [one.change for one in former.comparisons]
    return [*parts, _table(COMPARED, comparison_rows(former.comparisons), changes)] if changes else parts


def _facts(lines: Sequence[str], kind: str = "facts") -> list[str]:
    return [f'<ul class="{kind}">' + "".join(f"<li>{_text(line)}</li>" for line in lines) + "</ul>"] if lines else []


def _without_figures(run: Run) -> list[str]:
    shown = [f"<h3>{_text(one.label)}</h3><pre>{_text(one.reason)}</pre>" for one in run.failures]
    return ["<h2>Without figures</h2>", *shown] if shown else []


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]], classes: Sequence[str] = ()) -> str:
    def cell(tag: str, heading: str, text: str) -> str:
        return f"<{tag}{' class=number' if heading in _NUMBERS else ''}>{_text(text)}</{tag}>"

    head = "".join(cell("th", heading, heading) for heading in headings)
    body = ""
    for index, row in enumerate(rows):
        name = f' class="{classes[index].replace(" ", "-")}"' if classes else ""
        cells = "".join(cell("td", heading, text) for heading, text in zip(headings, row, strict=True))
        body += f"<tr{name}>{cells}</tr>"
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div class="scroll">{table}</div>'


def _text(text: str) -> str:
    return escape(clean(text))
