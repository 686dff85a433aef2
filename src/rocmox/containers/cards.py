"""The node's cards as `rocmox gpus --json` reports them, and which of them a container gets."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rocmox.containers.problems import Problem
from rocmox.containers.spec import ContainerSpec
from rocmox.errors import UsageError

if TYPE_CHECKING:
    from rocmox.gpu.card import Gpu

KFD = "/dev/kfd"
RENDER = "render"
VIDEO = "video"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Card:
    """One AMD GPU of the node: its address, which never moves, and its device nodes, which may at every boot."""

    pci_address: str
    architecture: str | None
    card_path: str | None
    render_path: str | None

    @classmethod
    def from_report(cls, entry: Mapping[str, Any]) -> Card:
        """One entry of `gpus` in `rocmox gpus --json`."""
        return cls(
            pci_address=str(entry["pci_address"]),
            architecture=entry["architecture"],
            card_path=entry["card_path"],
            render_path=entry["render_path"],
        )

    @classmethod
    def from_gpu(cls, gpu: Gpu) -> Card:
        """A card as this very machine shows it."""
        return cls(
            pci_address=gpu.pci_address,
            architecture=gpu.architecture,
            card_path=gpu.card_path,
            render_path=gpu.render_path,
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class WishedDevice:
    """A device node a container should have, owned by root and a group of the guest (by name: ids differ)."""

    path: str
    group: str


def cards_from_report(text: str) -> tuple[Card, ...]:
    """The cards in the output of `rocmox gpus --json`; a terminal may have mixed diagnostics around the document."""
    try:
        report, _ = json.JSONDecoder().raw_decode(text, text.index("{"))
        return tuple(Card.from_report(entry) for entry in report["gpus"])
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"the list of cards is not what `rocmox gpus --json` prints ({error}): {text.strip()[-500:]}",
            remedy="Node and controller must run the same version of rocmox.",
        ) from error


def choose(spec: ContainerSpec, cards: Sequence[Card]) -> tuple[tuple[Card, ...], list[Problem]]:
    """The cards a container wishes for, in the order of the node; what is wrong with the wish."""
    if spec.gpus.everything:
        chosen = tuple(cards)
        missing = [] if chosen else [_problem(spec, "asks for all cards, and the node has none", cards)]
    elif spec.gpus.architecture:
        chosen = tuple(card for card in cards if card.architecture == spec.gpus.architecture)
        missing = [] if chosen else [_problem(spec, f"no card of the node is a {spec.gpus.architecture}", cards)]
    else:
        known = {card.pci_address: card for card in cards}
        chosen = tuple(known[address] for address in spec.gpus.pci_addresses if address in known)
        unknown = [address for address in spec.gpus.pci_addresses if address not in known]
        missing = [_problem(spec, f"the node has no AMD card at {address}", cards) for address in unknown]
    return chosen, missing + [_no_driver(spec, card) for card in chosen if card.render_path is None]


def wished_devices(cards: Sequence[Card]) -> tuple[WishedDevice, ...]:
    """KFD, then each card's render and display node (KFD shows a process only cards whose render node it may open)."""
    if not cards:
        return ()
    devices = [WishedDevice(path=KFD, group=RENDER)]
    for card in cards:
        if card.render_path:
            devices.append(WishedDevice(path=card.render_path, group=RENDER))
        if card.card_path:
            devices.append(WishedDevice(path=card.card_path, group=VIDEO))
    return tuple(devices)


def _problem(spec: ContainerSpec, what: str, cards: Sequence[Card]) -> Problem:
    found = ", ".join(f"{card.pci_address} ({card.architecture or 'architecture unknown'})" for card in cards)
    remedy = f"Cards of the node: {found}." if found else "`lspci -d 1002:` on the node shows AMD devices, if any."
    return Problem(where=spec.field("gpus"), what=what, remedy=remedy)


def _no_driver(spec: ContainerSpec, card: Card) -> Problem:
    return Problem(
        where=spec.field("gpus"),
        what=f"the card at {card.pci_address} has no render node: the driver amdgpu does not hold it",
        remedy="`dmesg | grep amdgpu` on the node says why; a card bound to vfio-pci belongs to a virtual machine.",
    )
