"""Which card says it can reach which other card's memory: KFD's `p2p_links` and, inside an XGMI hive, `io_links`.

A link from node i to node k means that card i may address the VRAM of card k (kfd_topology.c, kfd_add_peer_prop). It is
a claim of the driver, not a proof; and links to processors are listed among them on machines with several sockets.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
from collections.abc import Callable, Sequence

from rocmox.facts.kfd import NODES, KfdLink, read_links
from rocmox.gpu.card import Gpu
from rocmox.machine.base import Machine

_XGMI = 11
_ENABLED, _NO_P2P = 1 << 0, 1 << 4  # CRAT_IOLINK_FLAGS in kfd_crat.h


@dataclasses.dataclass(frozen=True, kw_only=True)
class Peer:
    """An ordered pair of cards; `link` is what the driver claims, None when it claims nothing."""

    source: Gpu
    destination: Gpu
    link: KfdLink | None

    @property
    def claimed(self) -> bool:
        """Whether the driver says that the source reaches the destination's memory."""
        return self.link is not None and bool(self.link.flags & _ENABLED) and not self.link.flags & _NO_P2P

    @property
    def is_xgmi(self) -> bool:
        """Whether the pair is joined by AMD's own link instead of PCIe."""
        return self.link is not None and self.link.type == _XGMI

    @property
    def name(self) -> str:
        """`0000:03:00.0 -> 0000:06:00.0`."""
        return f"{self.source.pci_address} -> {self.destination.pci_address}"


def links_path(gpu: Gpu) -> str:
    """Where the card's claims stand."""
    return f"{NODES}/{gpu.kfd_node}/p2p_links"


def pair_up(gpus: Sequence[Gpu], claims_of: Callable[[int], dict[int, KfdLink]]) -> list[Peer]:
    """Every ordered pair of cards that KFD knows; `claims_of` gives a node's links by destination node."""
    known = [(gpu, gpu.kfd_node) for gpu in gpus if gpu.kfd_node is not None]
    return [
        Peer(source=source, destination=other, link=claims_of(node).get(other_node))
        for (source, node), (other, other_node) in itertools.permutations(known, 2)
    ]


def read_peers(machine: Machine, gpus: Sequence[Gpu]) -> list[Peer]:
    """The pairs of cards of a machine; CannotLookError when a card's links cannot be listed."""
    return pair_up(gpus, functools.cache(lambda node: read_claims(machine, node)))


def read_claims(machine: Machine, node: int) -> dict[int, KfdLink]:
    """Destination node → link of one node: PCIe peers, and what an XGMI hive joins."""
    hive = [link for link in read_links(machine, node, "io_links") if link.type == _XGMI]
    has_folder = machine.exists(f"{NODES}/{node}/p2p_links")
    peers = read_links(machine, node, "p2p_links") if has_folder else []
    return {link.destination: link for link in (*peers, *hive) if link.source == node}
