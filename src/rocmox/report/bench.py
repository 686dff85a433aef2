"""A bench's run as Markdown and JSON; `bench_page` makes the page of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from rocmox.bench.compare import Comparison
from rocmox.bench.history import Former
from rocmox.bench.measurement import Measurement
from rocmox.bench.references import find_reference
from rocmox.bench.roofline import share
from rocmox.bench.store import Run, to_dict
from rocmox.report.table import render_table

SCHEMA_VERSION = 1
HEADINGS = ("model", "what", "tokens/s", "of the limit", "range", "published", "ratio")
_LOPSIDED = 0.15
COMPARED = ("what", "verdict", "change", "noise allows", "before", "after")


def run_rows(run: Run) -> list[tuple[str, ...]]:
    """One row of cells for each measurement, in words that a table or page shows."""
    return [_row(measurement, run) for measurement in run.measurements]


def run_table(run: Run) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Headings and rows without what says nothing: the only model's name, columns where nothing is published."""
    rows = run_rows(run)
    kept = [
        place
        for place, heading in enumerate(HEADINGS)
        if len({row[place] for row in rows}) > 1 or (heading != "model" and any(row[place] != "-" for row in rows))
    ]
    return tuple(HEADINGS[place] for place in kept), [tuple(row[place] for place in kept) for row in rows]


def limit_notes(run: Run) -> list[str]:
    """What the limits are computed from, or why there is none."""
    found = {f"{one.phase}: {share(one, run).reason}": None for one in run.measurements if one.parallel == 1}
    return list(found)


def comparison_rows(comparisons: Sequence[Comparison]) -> list[tuple[str, ...]]:
    """One row of cells for each pair."""
    return [
        (
            one.after.title(),
            one.change,
            f"{(one.ratio - 1) * 100:+.1f} %",
            _noise(one.threshold),
            f"{one.before.tokens_per_second:.2f}",
            f"{one.after.tokens_per_second:.2f}",
        )
        for one in comparisons
    ]


def to_text(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table for the terminal."""
    return render_table(headings, rows)


def to_markdown(run: Run, former: Former | None = None) -> str:
    """The run, and what changed, for an issue or a wiki."""
    lines = [f"# {title(run)}", "", run.name, "", *(f"- {line}" for line in surroundings_lines(run)), ""]
    lines += _markdown_table(*run_table(run))
    lines += ["", "The limits:", "", *(f"- {line}" for line in limit_notes(run))]
    if former:
        lines += ["", f"## {former_title(former)}", *([""] if former.differences else [])]
        lines += [f"- {line}" for line in former.differences]
        lines += ["", *_markdown_table(COMPARED, comparison_rows(former.comparisons))] if former.comparisons else []
    if run.failures:
        lines += [
            "",
            "## Without figures",
            "",
            *(f"- {one.label}: {one.reason.splitlines()[-1]}" for one in run.failures),
        ]
    return "\n".join(lines) + "\n"


def former_title(former: Former) -> str:
    """What the run is held against, and whether that says anything."""
    if former.differences:
        return f"Not comparable with {former.run.name}: the machine changed"
    return f"Against {former.run.name}" + ("" if former.comparisons else ", which has no settings in common")


def to_json(run: Run, former: Former | None = None) -> dict[str, Any]:
    """The document of `rocmox bench … --json`."""
    return {
        "schema_version": SCHEMA_VERSION,
        "run": to_dict(run),
        "limits": [
            {"what": measurement.title(), "share": found.share, "reason": found.reason}
            for measurement in run.measurements
            for found in (share(measurement, run),)
        ],
        "comparisons": [
            {
                "what": one.after.title(),
                "before": one.before.tokens_per_second,
                "after": one.after.tokens_per_second,
                "ratio": one.ratio,
                "threshold": one.threshold,
                "change": one.change,
            }
            for one in (former.comparisons if former else ())
        ],
        "former": {
            "run": former.run.name,
            "started": former.run.started,
            "comparable": not former.differences,
            "differences": list(former.differences),
        }
        if former
        else None,
    }


def title(run: Run) -> str:
    """What was measured, and where."""
    models = dict.fromkeys(one.model for one in run.measurements)
    return f"{', '.join(models)} on {run.surroundings.machine}"


def surroundings_lines(run: Run) -> list[str]:
    """What it was measured on, a line each."""
    around = run.surroundings
    cards = ", ".join(f"{card.name} ({card.pci_address})" for card in around.cards)
    facts = {
        "cards": cards or ("those of RPC servers" if around.rpc else "none: the processors worked"),
        "processors": f"{around.processor_threads} x {around.processor}" if around.processor else None,
        around.engine.name: f"{around.engine.version} ({around.engine.commit})" if around.engine.version else None,
        "ROCm": around.rocm,
        "kernel": around.kernel,
        "driver": around.driver,
    }
    facts |= {"built with": " ".join(around.engine.options)} if around.engine.options else {}
    facts |= {"RPC servers": ", ".join(around.rpc)} if around.rpc else {}
    return [f"{name}: {value or 'unknown'}" for name, value in facts.items()]


def _noise(threshold: float) -> str:
    """`± 4.2 %`, and both ends where they lie differently far."""
    if threshold < _LOPSIDED:
        return f"± {threshold * 100:.1f} %"
    return f"{math.expm1(-threshold) * 100:+.0f} to {math.expm1(threshold) * 100:+.0f} %"


def _row(measurement: Measurement, run: Run) -> tuple[str, ...]:
    samples = measurement.samples
    reach = f"{min(samples):.2f} to {max(samples):.2f}" if len(samples) > 1 else "once"
    limit = share(measurement, run)
    reference = find_reference(measurement, run)
    speed = measurement.tokens_per_second
    return (
        measurement.model,
        measurement.title(),
        f"{speed:.2f}",
        f"{limit.share * 100:.1f} %" if limit.share is not None else "-",
        reach,
        f"{reference.tokens_per_second:.2f}" if reference else "-",
        f"{speed / reference.tokens_per_second:.2f}" if reference else "-",
    )


def _markdown_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    def line(cells: Sequence[str]) -> str:
        return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"

    return [line(headings), line(["---"] * len(headings)), *(line(row) for row in rows)]
