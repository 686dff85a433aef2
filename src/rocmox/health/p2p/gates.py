"""What must hold before data is copied: the driver's claim, and nobody else on the cards."""

from __future__ import annotations

from collections.abc import Sequence

from rocmox.errors import CannotLookError
from rocmox.facts.kfd import read_topology
from rocmox.gpu.card import Gpu
from rocmox.health.context import Context
from rocmox.health.hip.holders import REMEDY, read_holders
from rocmox.health.p2p import remedies
from rocmox.health.p2p.pair import Pair, PairVerdict
from rocmox.health.result import Evidence, Verdict
from rocmox.health.run import run_checks

# The gates of the kernel in the order in which it asks them (amdgpu_device_is_peer_accessible).
_STATIC = ("kernel_config", "pcie_p2p", "host_bridge", "acs", "bar", "dma_mask", "iommu", "dkms_legacy")


def shut_gate(context: Context, pair: Pair, pairs: Sequence[Pair]) -> PairVerdict | None:
    """Why this pair is not tested: KFD shows peer links, and none for this pair. None when the gate is open.

    A KFD that is too old to show links (before Linux 6.0) says nothing; there ROCm invents them, and data tells.
    """
    if pair.peer is None or pair.peer.claimed or not _shows_links(context, pair.peer.source):
        return None
    one_way = any(
        other.peer is not None and other.peer.claimed
        for other in pairs
        if (other.source, other.destination) == (pair.destination, pair.source)
    )
    code, summary = ("P2P_NO_LINK", "the driver claims no access, so nothing was copied")
    if one_way:
        code, summary = ("P2P_ONE_WAY", "the driver claims access in the other direction only; nothing was copied")
    causes = _causes(context, pair)
    return PairVerdict(
        pair=pair,
        verdict=Verdict.FAIL,
        code=code,
        summary="; ".join((summary, *(cause.value for cause in causes[:1]))),
        remedy=remedies.ACCESS,
        evidence=(Evidence(source=f"p2p_links {pair.name}", value="no link"), *causes),
    )


def busy(context: Context, pairs: Sequence[Pair]) -> list[PairVerdict]:
    """UNKNOWN for every pair when somebody uses the cards and nobody forces the test; else empty."""
    if context.forced:
        return []
    cards: dict[str, Gpu] = {
        gpu.pci_address: gpu for pair in pairs for gpu in (pair.source_gpu, pair.destination_gpu) if gpu is not None
    }
    try:
        holders = read_holders(context, list(cards.values()))
    except CannotLookError as error:
        code, summary, holders = "P2P_PROBE_FAILED", f"not tested: who uses the cards? {error.message}", []
    else:
        if not holders:
            return []
        code = "P2P_CARDS_BUSY"
        summary = f"not tested: the cards are in use ({'; '.join(holder.value for holder in holders[:3])})"
    unknown = Verdict.UNKNOWN
    return [
        PairVerdict(pair=pair, verdict=unknown, code=code, summary=summary, remedy=REMEDY, evidence=tuple(holders))
        for pair in pairs
    ]


def _shows_links(context: Context, gpu: Gpu) -> bool:
    try:
        nodes = context.read(read_topology).nodes
    except CannotLookError:
        return False
    return any(node.number == gpu.kfd_node and node.has_p2p_directory for node in nodes)


def _causes(context: Context, pair: Pair) -> tuple[Evidence, ...]:
    """What the static checks found about this pair's cards or the machine."""
    addresses = {pair.source, pair.destination}
    return tuple(
        Evidence(source=f"{result.check} {result.code}", value=result.summary)
        for result in run_checks(context, only=_STATIC)
        if result.verdict in {Verdict.FAIL, Verdict.CRIT, Verdict.WARN}
        and (not result.subject[:1].isdigit() or any(address in result.subject for address in addresses))
    )
