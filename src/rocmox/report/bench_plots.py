"""Plots of a bench's runs as SVG text, drawn by matplotlib in the colour of the page around them.

One panel is one picture: side by side on a desk, one below the other on a telephone, readable on both. Each carries its
figures in words for those who do not see it.
"""

from __future__ import annotations

import io
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from html import escape
from typing import TYPE_CHECKING, Any

from rocmox.bench.measurement import Measurement, Phase
from rocmox.bench.roofline import share
from rocmox.bench.store import Run
from rocmox.errors import UsageError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PANEL_INCHES, _BARS_INCHES, _HEIGHT_INCHES, _BAR_INCHES = 3.6, 4.6, 2.8, 0.42
_TITLE_CHARACTERS = 44
_COLOURS: dict[Phase, str] = {"decode": "#3b7cf0", "prefill": "#d9822b"}
# line and mark of a split mode: told apart also where there is a single point
_STYLES = {"layer": "-o", "row": "--s", "tensor": ":^", "none": "-.D"}
# Drawn in a colour that nothing else has, then given the page's own: the same picture for light and dark.
_INK = "#010203"
_SETTINGS: Any = {
    **dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), _INK),
    "grid.color": _INK,
    "legend.frameon": False,
    "font.size": 9,
    "axes.titlesize": 9,
    "svg.hashsalt": "rocmox",
}


@contextmanager
def _ready() -> Iterator[None]:
    try:
        import matplotlib as mpl  # noqa: PLC0415 - only the page draws
    except ImportError as error:
        raise UsageError(
            "the page's plots need matplotlib, which is not installed here",
            remedy="Make the page on the controller (`make requirements`), from the stored run.",
        ) from error
    with mpl.rc_context(_SETTINGS):
        yield


def several_at_once(run: Run) -> list[str]:
    """Speed of all sequences together against their number; empty when the run has no such figures."""
    shown = [one for one in run.measurements if one.tool == "llama-batched-bench"]
    return _curves(shown, "parallel", "requests at once")


def after_context(run: Run) -> list[str]:
    """Speed against the tokens that are in the context already; empty for a single depth."""
    shown = [one for one in run.measurements if one.tool == "llama-bench"]
    several = len({one.depth_tokens for one in shown}) > 1
    return _curves(shown, "depth_tokens", "tokens in the context before") if several else []


def limits(run: Run) -> list[str]:
    """The share of the hardware's limit of every measurement."""
    found = [(one, value * 100) for one in run.measurements if (value := share(one, run).share) is not None]
    if not found:
        return []
    with _ready():
        figure, axes = _figure(_BARS_INCHES, 0.6 + _BAR_INCHES * len(found))
        places = range(len(found))[::-1]
        colours = [_COLOURS[one.phase] for one, _ in found]
        bars = axes.barh(places, [value for _, value in found], height=0.4, color=colours)
        axes.bar_label(bars, fmt="%.1f %%", padding=3, fontsize=8)
        for place, (one, _) in zip(places, found, strict=True):
            axes.text(0, place + 0.28, f" {one.title()}", fontsize=8, va="bottom")
        axes.set_yticks([])
        axes.set_ylim(-0.5, len(found) - 0.2)
        axes.set_xlim(0, max(*(value for _, value in found), 1.0) * 1.18)
        axes.set_xlabel("% of the limit (decode: memory, prefill: operations)", fontsize=8)
        words = ", ".join(f"{one.title()}: {value:.1f} %" for one, value in found)
        return [_svg(figure, f"Share of the hardware's limit. {words}")]


def history(runs: Sequence[Run]) -> list[str]:
    """The newest run's first decode and prefill figure in every run that has it, oldest first; empty for a single run.

    Hollow points were measured in other surroundings than the newest.
    """
    found = [_history(runs, phase) for phase in _COLOURS] if len(runs) > 1 else []
    return [panel for panel in found if panel]


def _history(runs: Sequence[Run], phase: Phase) -> str:
    last = next((one for one in runs[-1].measurements if one.phase == phase), None)
    points = [(run, one) for run in runs for one in run.measurements if last and one.key == last.key]
    if last is None or len(points) < 2:  # noqa: PLR2004 - one run has no history
        return ""
    with _ready():
        figure, axes = _figure(_PANEL_INCHES, _HEIGHT_INCHES, last.label())
        for place, (run, one) in enumerate(points):
            speed = one.tokens_per_second
            reach = [[speed - min(one.samples)], [max(one.samples) - speed]]
            face = _COLOURS[phase] if run.surroundings == runs[-1].surroundings else "none"
            axes.errorbar(place, speed, yerr=reach, marker="o", capsize=3, color=_COLOURS[phase], mfc=face)
        axes.plot([one.tokens_per_second for _, one in points], color=_COLOURS[phase], alpha=0.5, zorder=1)
        axes.set_ylim(0, 1.12 * max(max(one.samples) for _, one in points))
        axes.set_ylabel("tokens/s")
        places = sorted({0, (len(points) - 1) // 2, len(points) - 1})
        axes.set_xticks(places, [points[place][0].started[5:16].replace("T", "\n") for place in places], fontsize=8)
        words = ", ".join(f"{run.started[:16]}: {one.tokens_per_second:.1f}" for run, one in points)
        return _svg(figure, f"{last.label()}, tokens/s run by run. {words}")


def _curves(shown: Sequence[Measurement], field: str, label: str) -> list[str]:
    return [
        _curve([one for one in shown if one.phase == phase], phase, field, label)
        for phase in _COLOURS
        if any(one.phase == phase for one in shown)
    ]


def _curve(shown: Sequence[Measurement], phase: Phase, field: str, label: str) -> str:
    words = []
    with _ready():
        figure, axes = _figure(_PANEL_INCHES, _HEIGHT_INCHES, phase)
        modes = list(dict.fromkeys(one.split_mode for one in shown))
        for mode in modes:
            mine = sorted((getattr(one, field), one.tokens_per_second) for one in shown if one.split_mode == mode)
            across, speeds = [place for place, _ in mine], [speed for _, speed in mine]
            style = _STYLES.get(mode, "-o")
            axes.plot(across, speeds, style, color=_COLOURS[phase], label=f"split {mode}")
            words.append(f"split {mode}: " + ", ".join(f"{speed:.1f} at {place}" for place, speed in mine))
        axes.set_ylim(0, 1.12 * max(one.tokens_per_second for one in shown))
        axes.set_xticks(sorted({getattr(one, field) for one in shown}))
        axes.set_xlabel(label)
        axes.set_ylabel("tokens/s")
        if len(modes) > 1:
            axes.legend(fontsize=8)
        return _svg(figure, f"{phase}, tokens/s by {label}. {'; '.join(words)}")


def _figure(width: float, height: float, title: str = "") -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure  # noqa: PLC0415 - `_ready` has said that it is there

    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="both" if title else "x", alpha=0.2)
    axes.set_axisbelow(True)
    axes.set_title(textwrap.fill(title, _TITLE_CHARACTERS), loc="left")
    return figure, axes


def _svg(figure: Figure, words: str) -> str:
    """Without a date and with fixed ids the same run gives the same picture."""
    stream = io.StringIO()
    figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None})
    text = stream.getvalue().replace(_INK, "currentColor")
    return f'<svg role="img" aria-label="{escape(words)}"{text[text.index("<svg") + len("<svg") :]}'
