"""Speeds that owners published, and the measurements they can be held against."""

from __future__ import annotations

import dataclasses
import functools
import tomllib
from importlib import resources

from rocmox.bench.measurement import Measurement, Phase
from rocmox.bench.store import Run


@dataclasses.dataclass(frozen=True, kw_only=True)
class Reference:
    """One published figure; `tokens` is None where the account does not say how many."""

    account: str
    card: str
    cards: int
    model: str
    split_mode: str
    parallel: int
    phase: Phase
    tokens: int | None
    tokens_per_second: float


def find_reference(measurement: Measurement, run: Run) -> Reference | None:
    """The published figure for the same model, split, requests and cards, from an empty context; None without one.

    A figure that names its number of tokens goes before one that does not.
    """
    names = {card.name for card in run.surroundings.cards}
    fitting = [
        reference
        for reference in load_references()
        if measurement.depth_tokens == 0
        and reference.model == measurement.model
        and reference.phase == measurement.phase
        and (reference.split_mode, reference.parallel) == (measurement.split_mode, measurement.parallel)
        and reference.cards == len(run.surroundings.cards)
        and any(reference.card in name for name in names)
        and reference.tokens in {None, measurement.tokens}
    ]
    return min(fitting, key=lambda reference: reference.tokens is None, default=None)


@functools.cache
def load_references() -> tuple[Reference, ...]:
    """Every published figure, from `data/references.toml`."""
    text = resources.files("rocmox.bench").joinpath("data/references.toml").read_text(encoding="utf-8")
    phases: tuple[tuple[Phase, str], ...] = (("prefill", "prompt"), ("decode", "generate"))
    return tuple(
        Reference(
            account=account["name"],
            card=account["card"],
            cards=row["cards"],
            model=row["model"],
            split_mode=row["split_mode"],
            parallel=row.get("parallel", 1),
            phase=phase,
            tokens=row.get(tokens),
            tokens_per_second=row[phase],
        )
        for account in tomllib.loads(text)["account"]
        for row in account["row"]
        for phase, tokens in phases
    )
