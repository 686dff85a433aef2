"""Plots of a bench's runs as SVG text, drawn by matplotlib."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rocmox.bench.measurement import Measurement, Phase
from rocmox.bench.roofline import share
from rocmox.bench.store import Run
from rocmox.errors import UsageError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SIZE_INCHES = (6.4, 3.4)
_BLUE, _ORANGE = "#2f6fde", "#d9822b"
_COLOURS: tuple[tuple[Phase, str], ...] = (("decode", _BLUE), ("prefill", _ORANGE))


def several_at_once(run: Run) -> str | None:
    """Speed of all sequences together against their number; None when the run has no such figures."""
    shown = [one for one in run.measurements if one.tool == "llama-batched-bench"]
    return _lines(shown, "parallel", "sequences at once", "Several requests at once")


def after_context(run: Run) -> str | None:
    """Speed against the tokens that are in the context already."""
    shown = [one for one in run.measurements if one.tool == "llama-bench"]
    if len({one.depth_tokens for one in shown}) < 2:  # noqa: PLR2004 - one depth is no curve
        return None
    return _lines(shown, "depth_tokens", "tokens in the context before", "As the context fills")


def limits(run: Run) -> str | None:
    """The share of the hardware's limit of every measurement."""
    found = [(one.label(), value) for one in run.measurements if (value := share(one, run).share) is not None]
    if not found:
        return None
    figure, axes = _figure(height=0.6 + 0.26 * len(found))
    labels = [f"{label} " for label, _ in found][::-1]
    shares = [value * 100 for _, value in found][::-1]
    bars = axes.barh(range(len(found)), shares, color=[_BLUE if "decode" in label else _ORANGE for label in labels])
    axes.bar_label(bars, fmt="%.1f %%", padding=3, fontsize=8)
    axes.set_yticks(range(len(found)), labels, fontsize=8)
    axes.set_xlim(0, max(*shares, 1.0) * 1.18)
    axes.set_xlabel("% of the limit (decode: memory bandwidth, prefill: operations)")
    axes.set_title("How near the hardware's limit", loc="left")
    return _svg(figure)


def history(runs: Sequence[Run]) -> str | None:
    """The first decode and prefill figure of every run, oldest first; None for a single run."""
    if len(runs) < 2:  # noqa: PLR2004 - one run has no history
        return None
    figure, axes = _figure()
    for phase, colour in _COLOURS:
        points = [(index, value) for index, run in enumerate(runs) if (value := _first(run, phase)) is not None]
        axes.plot(*zip(*points, strict=True), marker="o", color=colour, label=phase)
    axes.set_xticks(range(len(runs)), [run.started[5:16].replace("T", "\n") for run in runs], fontsize=8)
    axes.set_ylim(bottom=0)
    axes.set_ylabel("tokens/s")
    axes.legend(frameon=False)
    axes.set_title("Runs so far", loc="left")
    return _svg(figure)


def _lines(shown: Sequence[Measurement], field: str, label: str, title: str) -> str | None:
    if not shown:
        return None
    figure, axes = _figure()
    for split_mode in dict.fromkeys(one.split_mode for one in shown):
        for phase, colour in _COLOURS:
            mine = [one for one in shown if (one.split_mode, one.phase) == (split_mode, phase)]
            mine.sort(key=lambda one: float(getattr(one, field)))
            style = {"layer": "-", "row": "--", "tensor": ":", "none": "-."}.get(split_mode, "-")
            across = [getattr(one, field) for one in mine]
            speeds = [one.tokens_per_second for one in mine]
            axes.plot(across, speeds, style, marker="o", color=colour, label=f"{phase}, split {split_mode}")
    axes.set_xlabel(label)
    axes.set_ylabel("tokens/s")
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False, fontsize=8)
    axes.set_title(title, loc="left")
    return _svg(figure)


def _first(run: Run, phase: Phase) -> float | None:
    return next((one.tokens_per_second for one in run.measurements if one.phase == phase), None)


def _figure(height: float = _SIZE_INCHES[1]) -> tuple[object, Axes]:
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415 - only the page draws
    except ImportError as error:
        raise UsageError(
            "the page's plots need matplotlib, which is not installed here",
            remedy="Make the page on the controller (`make requirements`), from the stored run.",
        ) from error
    figure = Figure(figsize=(_SIZE_INCHES[0], height), layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="both", alpha=0.25)
    axes.set_axisbelow(True)
    return figure, axes


def _svg(figure: object) -> str:
    stream = io.StringIO()
    # without a date and with fixed ids the same run gives the same page
    import matplotlib as mpl  # noqa: PLC0415 - as above

    with mpl.rc_context({"svg.hashsalt": "rocmox"}):
        figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None})  # type: ignore[attr-defined]
    text = stream.getvalue()
    return text[text.index("<svg") :]
