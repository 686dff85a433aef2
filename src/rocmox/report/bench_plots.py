"""Plots of a bench's runs as SVG text, drawn by matplotlib in the colour of the page around them."""

from __future__ import annotations

import functools
import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ParamSpec

from rocmox.bench.measurement import Measurement, Phase
from rocmox.bench.roofline import share
from rocmox.bench.store import Run
from rocmox.errors import UsageError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

P = ParamSpec("P")

_WIDTH_INCHES, _HEIGHT_INCHES = 6.4, 3.1
_COLOURS: dict[Phase, str] = {"decode": "#3b7cf0", "prefill": "#d9822b"}
_STYLES = {"layer": "-", "row": "--", "tensor": ":", "none": "-."}
# Drawn in a colour that nothing else has, then given the page's own: the same picture for light and dark.
_INK = "#010203"
_SETTINGS: Any = {
    **dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), _INK),
    "grid.color": _INK,
    "legend.frameon": False,
    "font.size": 9,
    "axes.titlesize": 10,
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


def _drawn(title: str) -> Callable[[Callable[P, Figure | None]], Callable[P, str | None]]:
    """A function that makes a figure becomes one that gives its SVG; None stays None."""

    def wrap(make: Callable[P, Figure | None]) -> Callable[P, str | None]:
        @functools.wraps(make)
        def draw(*words: P.args, **named: P.kwargs) -> str | None:
            with _ready():
                figure = make(*words, **named)
                return _svg(figure, title) if figure else None

        return draw

    return wrap


@_drawn("Several requests at once")
def several_at_once(run: Run) -> Figure | None:
    """Speed of all sequences together against their number; None when the run has no such figures."""
    shown = [one for one in run.measurements if one.tool == "llama-batched-bench"]
    return _curves(shown, "parallel", "requests at once") if shown else None


@_drawn("As the context fills")
def after_context(run: Run) -> Figure | None:
    """Speed against the tokens that are in the context already."""
    shown = [one for one in run.measurements if one.tool == "llama-bench"]
    if len({one.depth_tokens for one in shown}) < 2:  # noqa: PLR2004 - one depth is no curve
        return None
    return _curves(shown, "depth_tokens", "tokens in the context before")


@_drawn("How near the hardware's limit")
def limits(run: Run) -> Figure | None:
    """The share of the hardware's limit of every measurement."""
    found = [(one, value) for one in run.measurements if (value := share(one, run).share) is not None]
    if not found:
        return None
    figure, (axes,) = _figure(1, height=0.7 + 0.26 * len(found))
    shares = [value * 100 for _, value in found][::-1]
    bars = axes.barh(range(len(found)), shares, color=[_COLOURS[one.phase] for one, _ in found][::-1])
    axes.bar_label(bars, fmt="%.1f %%", padding=3, fontsize=8)
    axes.set_yticks(range(len(found)), [one.label() for one, _ in found][::-1], fontsize=8)
    axes.margins(y=0.01)
    axes.set_xlim(0, max(*shares, 1.0) * 1.18)
    axes.set_xlabel("% of the limit (decode: memory bandwidth, prefill: operations)")
    return figure


@_drawn("Runs so far")
def history(runs: Sequence[Run]) -> Figure | None:
    """The first decode and prefill figure of every run with its spread, oldest first; None for a single run."""
    if len(runs) < 2:  # noqa: PLR2004 - one run has no history
        return None
    figure, plots = _figure(2)
    for axes, phase in zip(plots, _COLOURS, strict=True):
        points = [(place, one) for place, run in enumerate(runs) if (one := _first(run, phase))]
        speeds = [one.tokens_per_second for _, one in points]
        spread = [
            [speed - min(one.samples) for speed, (_, one) in zip(speeds, points, strict=True)],
            [max(one.samples) - speed for speed, (_, one) in zip(speeds, points, strict=True)],
        ]
        axes.errorbar([place for place, _ in points], speeds, yerr=spread, marker="o", capsize=3, color=_COLOURS[phase])
        axes.set_ylim(bottom=0)
        places = sorted({0, (len(runs) - 1) // 2, len(runs) - 1})
        axes.set_xticks(places, [runs[place].started[5:16].replace("T", "\n") for place in places], fontsize=8)
        axes.set_title(points[0][1].label() if points else phase, loc="left")
    return figure


def _curves(shown: Sequence[Measurement], field: str, label: str) -> Figure:
    figure, plots = _figure(2)
    for axes, phase in zip(plots, _COLOURS, strict=True):
        for split_mode in dict.fromkeys(one.split_mode for one in shown):
            mine = [one for one in shown if (one.split_mode, one.phase) == (split_mode, phase)]
            mine.sort(key=lambda one: float(getattr(one, field)))
            across = [getattr(one, field) for one in mine]
            speeds = [one.tokens_per_second for one in mine]
            style = _STYLES.get(split_mode, "-")
            axes.plot(across, speeds, style, marker="o", color=_COLOURS[phase], label=f"split {split_mode}")
        axes.set_ylim(bottom=0)
        axes.set_xticks(sorted({getattr(one, field) for one in shown}))
        axes.set_xlabel(label)
        axes.set_title(phase, loc="left")
        axes.legend(fontsize=8)
    return figure


def _first(run: Run, phase: Phase) -> Measurement | None:
    return next((one for one in run.measurements if one.phase == phase), None)


def _figure(plots: int, height: float = _HEIGHT_INCHES) -> tuple[Figure, list[Axes]]:
    from matplotlib.figure import Figure  # noqa: PLC0415 - `_ready` has said that it is there

    figure = Figure(figsize=(_WIDTH_INCHES, height), layout="constrained")
    found = list(figure.subplots(1, plots, squeeze=False)[0])
    for axes in found:
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="both", alpha=0.2)
        axes.set_axisbelow(True)
    if plots > 1:
        found[0].set_ylabel("tokens/s")
    return figure, found


def _svg(figure: Figure, title: str) -> str:
    """Without a date and with fixed ids the same run gives the same picture."""
    stream = io.StringIO()
    figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None})
    text = stream.getvalue().replace(_INK, "currentColor")
    return f'<svg role="img" aria-label="{title}"{text[text.index("<svg") + len("<svg") :]}'
