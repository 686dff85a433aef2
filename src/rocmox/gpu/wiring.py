"""The cards as a tree: host bridge, bridges, cards. Bridges in a row are one branch (`lspci -t`)."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from rocmox.errors import CannotLookError
from rocmox.facts.pci import Link
from rocmox.facts.root_bus import read_root_bus
from rocmox.gpu.card import Gpu
from rocmox.machine.base import Machine


@dataclasses.dataclass(frozen=True, kw_only=True)
class Branch:
    """`functions` in a row; `lines` name it; `link` is the slowest of its links, `possible` what those could do.

    For a card that is the slowest link on its whole way.
    """

    functions: tuple[str, ...]
    lines: tuple[str, ...]
    children: tuple[Branch, ...] = ()
    gpu: Gpu | None = None
    link: Link | None = None
    possible: tuple[float, int] | None = None


def wire(machine: Machine, gpus: Sequence[Gpu]) -> list[Branch]:
    """One branch for each root bus; cards whose root bus is unknown stand below one without a name."""
    by_root: dict[str, list[Gpu]] = {}
    for gpu in gpus:
        by_root.setdefault(_root_of(machine, gpu), []).append(gpu)
    return [
        Branch(functions=(root,), lines=("host bridge", root), children=_below(members, 0))
        for root, members in by_root.items()
    ]


def _root_of(machine: Machine, gpu: Gpu) -> str:
    try:
        return read_root_bus(machine, gpu.pci_address).bus.rpartition("/")[2]
    except CannotLookError:
        return "unknown bus"


def _below(gpus: Sequence[Gpu], level: int) -> tuple[Branch, ...]:
    """The branches below the bridges that these cards have in common, the first `level` of them."""
    children: list[Branch] = [_card(gpu) for gpu in gpus if len(gpu.bridges) <= level]
    groups: dict[str, list[Gpu]] = {}
    for gpu in gpus:
        if len(gpu.bridges) > level:
            groups.setdefault(gpu.bridges[level], []).append(gpu)
    return (*children, *(_bridges(members, level) for members in groups.values()))


def _bridges(gpus: Sequence[Gpu], level: int) -> Branch:
    """The row of bridges that all these cards share from `level` on."""
    first, end = gpus[0].bridges, level
    while all(len(gpu.bridges) > end and gpu.bridges[end] == first[end] for gpu in gpus):
        end += 1
        if end == len(first):
            break
    row = first[level:end]
    links = [link for link in gpus[0].path_links if link.at in row]
    short = [name.removeprefix("0000:") for name in row]
    return Branch(
        functions=row,
        lines=("root port" if level == 0 else "switch" if len(gpus) > 1 else "bridge", _span(short)),
        children=_below(gpus, end),
        link=min(links, key=lambda link: link.rate, default=None) if level else None,
        possible=_possible(links),
    )


def _span(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} … {names[-1]}"


def _possible(links: Sequence[Link]) -> tuple[float, int] | None:
    if not links:
        return None
    return min(link.max_speed_gts for link in links), min(link.max_width for link in links)


def _card(gpu: Gpu) -> Branch:
    return Branch(
        functions=(gpu.pci_address,),
        lines=(gpu.pci_address, (gpu.model or gpu.architecture or "card").partition(" /")[0].partition(" (")[0]),
        gpu=gpu,
        link=gpu.link,
        possible=gpu.possible_link,
    )
