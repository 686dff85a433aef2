"""Everything that can be wrong with a machine's cards, as changes to its constructed tree.

Each variation is what the kernel would show of that fault, with what follows from it: a small register also takes away
the peer-to-peer links that point to the card (kfd_topology.c, kfd_add_peer_prop).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

from rocmox.errors import UsageError
from rocmox_lab.gpus import bus_variations, card_variations, kernel_variations
from rocmox_lab.gpus.changes import Changes
from rocmox_lab.gpus.tree_view import TreeView


@dataclasses.dataclass(frozen=True, kw_only=True)
class Variation:
    """`codes` are the verdicts that `rocmox health` must give for it on a machine of several cards."""

    summary: str
    apply: Callable[[TreeView, int], None]
    codes: tuple[str, ...]


VARIATIONS = {
    name: Variation(summary=summary, apply=apply, codes=codes)
    for module in (card_variations, bus_variations, kernel_variations)
    for name, (summary, apply, codes) in module.VARIATIONS.items()
}


def vary(root: Path, name: str, *, card: int = 0) -> dict[str, dict[str, str]]:
    """Change the tree at `root`; returns what `changes.take_back` needs. UsageError for an unknown name or card."""
    if name not in VARIATIONS:
        raise UsageError(f"{name!r} is not a variation", remedy=f"Choose one of: {', '.join(VARIATIONS)}.")
    view = TreeView(Changes(root))
    if not 0 <= card < len(view.cards):
        raise UsageError(f"card {card} is none of the {len(view.cards)} cards", remedy="Count from 0, by PCI address.")
    VARIATIONS[name].apply(view, card)
    return view.changes.kept
