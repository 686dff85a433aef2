"""Cards that one container owns alone: nobody else may have them, neither in the list nor on the node."""

from __future__ import annotations

from collections.abc import Sequence

from rocmox.containers.current.cards import NodeCard
from rocmox.containers.current.devices import gpu_devices
from rocmox.containers.current.legacy_lines import gpu_lines
from rocmox.containers.current.node import CurrentNode
from rocmox.containers.spec.container import ContainerSpec
from rocmox.containers.spec.problems import Problem
from rocmox.proxmox import Node, lxc
from rocmox.proxmox.failures import NotFoundError

Choices = Sequence[tuple[ContainerSpec, Sequence[NodeCard]]]
"""Each desired container with the cards it means."""


def conflicts(choices: Choices) -> list[Problem]:
    """Containers of the list that want a card which another one owns exclusively."""
    problems = []
    for owner, owned in choices:
        if not owner.gpus_exclusive:
            continue
        for other, wanted in choices:
            shared = sorted({card.pci_address for card in owned} & {card.pci_address for card in wanted})
            if other is not owner and shared:
                what = f"wants {', '.join(shared)}, which {owner.where} ({owner.hostname}) owns exclusively"
                remedy = "Give it another card, or take gpus_exclusive away."
                problems.append(Problem(where=other.field("gpus"), what=what, remedy=remedy))
    return problems


def conflicts_on_node(node: Node, choices: Choices, current: CurrentNode) -> list[Problem]:
    """Containers of the node that stand in no list and have a card which is to be owned exclusively.

    One call for each of them, and only where a container asks for exclusive cards.
    """
    owners = [(spec, cards) for spec, cards in choices if spec.gpus_exclusive and cards]
    if not owners:
        return []
    listed = {spec.vmid for spec, _ in choices}
    others = [guest for guest in current.guests.values() if guest.kind == "lxc" and guest.node == node.name]
    problems = []
    for guest in sorted(others, key=lambda found: found.vmid):
        passed = _passed(node, guest.vmid) if guest.vmid not in listed else frozenset()
        for spec, cards in owners:
            taken = [card.pci_address for card in cards if {card.render_path, card.card_path} & passed]
            if taken or "/dev/dri" in passed:
                what = f"is to own {', '.join(taken) or 'its cards'} alone, and container {guest.vmid} ({guest.name}), "
                what += f"which is not in the list, has {', '.join(sorted(passed))}"
                remedy = f"Take the card from container {guest.vmid}, or say gpus_exclusive: false."
                problems.append(Problem(where=spec.field("gpus_exclusive"), what=what, remedy=remedy))
    return problems


def _passed(node: Node, vmid: int) -> frozenset[str]:
    """The paths of GPU devices of any container, `/dev/dri` for a raw line that mounts them all."""
    try:
        config = lxc.read_whole_config(node, vmid)
    except NotFoundError:
        return frozenset()
    devices = {device.path for device in gpu_devices(config.values).values()}
    mounts = {value.split()[0].rstrip("/") for key, value in gpu_lines(config.raw_lines) if key == "lxc.mount.entry"}
    return frozenset({*devices, *mounts} - {"/dev/kfd"})
