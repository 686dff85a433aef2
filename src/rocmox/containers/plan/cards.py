"""Which of the node's cards a container gets, and the device nodes that come with them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from rocmox.containers.current.cards import KFD, RENDER, VIDEO, NodeCard
from rocmox.containers.spec.container import ContainerSpec
from rocmox.containers.spec.problems import Problem


@dataclasses.dataclass(frozen=True, kw_only=True)
class DesiredDevice:
    """A device node a container should have, owned by root and a group of the guest (by name: ids differ)."""

    path: str
    group: str


def choose(spec: ContainerSpec, cards: Sequence[NodeCard]) -> tuple[tuple[NodeCard, ...], list[Problem]]:
    """The cards a container asks for, in the order of the node; what is wrong with that."""
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


def desired_devices(cards: Sequence[NodeCard]) -> tuple[DesiredDevice, ...]:
    """KFD, then each card's render and display node (KFD shows a process only cards whose render node it may open)."""
    if not cards:
        return ()
    devices = [DesiredDevice(path=KFD, group=RENDER)]
    for card in cards:
        if card.render_path:
            devices.append(DesiredDevice(path=card.render_path, group=RENDER))
        if card.card_path:
            devices.append(DesiredDevice(path=card.card_path, group=VIDEO))
    return tuple(devices)


def _problem(spec: ContainerSpec, what: str, cards: Sequence[NodeCard]) -> Problem:
    found = ", ".join(f"{card.pci_address} ({card.architecture or 'architecture unknown'})" for card in cards)
    remedy = f"Cards of the node: {found}." if found else "`lspci -d 1002:` on the node shows AMD devices, if any."
    return Problem(where=spec.field("gpus"), what=what, remedy=remedy)


def _no_driver(spec: ContainerSpec, card: NodeCard) -> Problem:
    return Problem(
        where=spec.field("gpus"),
        what=f"the card at {card.pci_address} has no render node: the driver amdgpu does not hold it",
        remedy="`dmesg | grep amdgpu` on the node says why; a card bound to vfio-pci belongs to a virtual machine.",
    )
