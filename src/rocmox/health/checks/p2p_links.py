"""The driver claims peer-to-peer access for every ordered pair of cards (KFD's `p2p_links`).

Only links between cards count: on machines with several sockets KFD lists links to processors among them. A claim is no
proof; `rocmox p2p` copies data and compares it.
"""

from __future__ import annotations

from collections.abc import Iterator

from rocmox.facts.kfd import read_topology
from rocmox.gpu.peers import Peer, links_path
from rocmox.health.cards import judged_peers, why_none
from rocmox.health.context import Context
from rocmox.health.result import Evidence, Reporter, Result, seen

LEVEL = 1
report = Reporter("p2p_links")
_GATES = (
    "`rocmox health --only kernel_config,pcie_p2p,bar,dma_mask,host_bridge` on the node names the gate that is shut. "
    "Until then use layer split without peer copies."
)


def run(context: Context) -> Iterator[Result]:
    """One result for each pair with a gap, else one for the machine."""
    if nothing := why_none(context, report, pairs=True):
        yield nothing
        return
    peers = judged_peers(context)
    if not peers:
        yield report.unknown("P2P_LINKS_NO_NODES", context.machine.name, "KFD shows fewer than two of the cards")
        return
    if not any(peer.claimed for peer in peers):
        yield _none(context, peers)
        return
    gaps = list(_gaps(peers))
    yield from gaps
    if not gaps:
        summary = f"claimed for all {len(peers)} ordered pairs; `rocmox p2p` proves it by data"
        yield report.passed("P2P_LINKS_CLAIMED", context.machine.name, summary, [_evidence(peer) for peer in peers])


def _none(context: Context, peers: list[Peer]) -> Result:
    evidence = [_evidence(peer) for peer in peers]
    nodes = context.read(read_topology).nodes
    if not any(node.has_p2p_directory for node in nodes if node.is_gpu):
        return report.unknown(
            "P2P_LINKS_NOT_SHOWN",
            context.machine.name,
            "this kernel's KFD is too old to show peer-to-peer links (before Linux 6.0); ROCm invents them there, so "
            "its answers prove nothing",
            evidence,
            remedy="Boot a newer kernel, or ask `rocmox p2p`, which copies data.",
        )
    what = "the driver claims peer-to-peer access for no pair of cards"
    return report.fail("P2P_LINKS_NONE", context.machine.name, what, evidence, remedy=_GATES)


def _gaps(peers: list[Peer]) -> Iterator[Result]:
    by_pair = {(peer.source.pci_address, peer.destination.pci_address): peer for peer in peers}
    for (source, destination), peer in by_pair.items():
        back = by_pair[destination, source]
        evidence = [_evidence(peer), _evidence(back)]
        if peer.claimed or (not back.claimed and source > destination):
            continue
        if back.claimed:
            what = f"only {back.name} is claimed: links point where the register is large, so look at {destination}"
            yield report.fail("P2P_LINKS_ONE_WAY", peer.name, what, evidence, remedy=_GATES)
        else:
            pair = f"{source} - {destination}"
            yield report.fail("P2P_LINKS_MISSING", pair, "claimed in neither direction", evidence, remedy=_GATES)


def _evidence(peer: Peer) -> Evidence:
    kind = "XGMI" if peer.is_xgmi else "PCIe"
    says = f"{kind} link to node {peer.destination.kfd_node}" if peer.claimed else "no usable link"
    return seen(links_path(peer.source), f"{peer.name}: {says}")
