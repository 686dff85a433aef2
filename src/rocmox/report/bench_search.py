"""What a search found, for people, for programs, and as the lines to set in an inventory."""

from __future__ import annotations

import dataclasses
from typing import Any

from rocmox.engines.llamacpp.tune.contest import Verdict
from rocmox.engines.llamacpp.tune.search import Result, in_words
from rocmox.engines.llamacpp.tune.variant import role_variables
from rocmox.report.table import render_table

SCHEMA_VERSION = 1
_QUIETER = "stop what else runs on this machine, or raise --rounds or --repetitions."
_LONGEST = 120
_HEADINGS = ("tried", "against", "verdict", "change", "noise allows")


def search_to_text(result: Result) -> str:
    """Every contest, what could not be varied and why, and what to do."""
    rows = [
        (
            one.challenger.difference(one.incumbent),
            one.incumbent.difference(one.challenger),
            one.verdict.word if one.verdict and one.verdict.gain is not None else _without_figures(one.verdict),
            _percent(one.verdict.gain if one.verdict else None, "+"),
            _percent(one.verdict.noise if one.verdict else None, "±"),
        )
        for one in result.meetings
    ]
    lines = [render_table(_HEADINGS, rows)] if rows else []
    lines += [f"not varied: {axis.name}: {axis.reason}" for axis in result.axes if not axis.values]
    return "\n".join([*lines, "", *conclusion(result)])


def conclusion(result: Result) -> list[str]:
    """The result in words, and the role's variables when there is something to set."""
    if not result.meetings:
        return ["Nothing was tried: nothing of this build can be varied here."]
    if result.best == result.start:
        words = ["Nothing tried is faster beyond noise: what serves now stays. There is nothing to set."]
    else:
        gain = f", {result.gain * 100:.1f} % faster than what serves now" if result.gain is not None else ""
        words = [f"Fastest: {result.best.difference(result.start)}{gain}. Set for role llama_cpp:", ""]
        words += [f"  {line}" for line in role_variables(result.best, result.start)]
    noisy = sum(one.verdict is not None and one.verdict.word == "too noisy" for one in result.meetings)
    words += [f"{noisy} of {len(result.meetings)} contests were too noisy to tell: {_QUIETER}"] if noisy else []
    return words if result.complete else [*words, "Time ran out before everything was tried; run it again to go on."]


def search_to_json(result: Result) -> dict[str, Any]:
    """The document of `rocmox bench run --search --json`."""
    return {
        "schema_version": SCHEMA_VERSION,
        "start": result.start.settings(),
        "best": result.best.settings(),
        "changed": result.best != result.start,
        "gain": result.gain,
        "complete": result.complete,
        "role_variables": role_variables(result.best, result.start),
        "not_varied": {axis.name: axis.reason for axis in result.axes if not axis.values},
        "contests": [
            {
                "incumbent": one.incumbent.settings(),
                "challenger": one.challenger.settings(),
                **(dataclasses.asdict(one.verdict) if one.verdict else {"word": "not tried"}),
            }
            for one in result.meetings
        ],
    }


def _without_figures(verdict: Verdict | None) -> str:
    return in_words(verdict)[:_LONGEST] if verdict else "not tried"


def _percent(share: float | None, sign: str) -> str:
    if share is None:
        return "-"
    return f"{share * 100:+.1f} %" if sign == "+" else f"± {share * 100:.1f} %"
