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
from rocmox.health.result import Evidence, Result, Verdict
from rocmox.health.run import run_checks

# The gates of the kernel in the order in which it asks them (amdgpu_device_is_peer_accessible).
_STATIC = ("kernel_config", "pcie_p2p", "host_bridge", "acs", "bar", "dma_mask", "iommu", "dkms_legacy")
# Where one of these fails, a copy can crash, or write where it must not, whatever the driver claims.
_UNSAFE = frozenset({"bar", "dma_mask", "dkms_legacy"})


def read_gates(context: Context) -> list[Result]:
    """What the static checks do not pass."""
    bad = {Verdict.WARN, Verdict.FAIL, Verdict.CRIT}
    return [result for result in run_checks(context, only=_STATIC) if result.verdict in bad]


def shut_gate(context: Context, pair: Pair, pairs: Sequence[Pair], gates: Sequence[Result]) -> PairVerdict | None:
    """Why nothing is copied between this pair; None when every gate is open, or when the pair is joined by XGMI.

    A KFD that is too old to show links (before Linux 6.0) claims nothing; there ROCm invents them, and data tells.
    """
    if pair.peer is None or pair.peer.is_xgmi:
        return None
    concerned = [gate for gate in gates if _concerns(gate, pair)]
    if not pair.peer.claimed and _shows_links(context, pair.peer.source):
        code, summary = "P2P_NO_LINK", "nothing was copied: the driver claims no access"
        if any(other.peer and other.peer.claimed for other in pairs if _is_back(other, pair)):
            code, summary = "P2P_ONE_WAY", "nothing was copied: the driver claims access in the other direction only"
        return _shut(pair, code, summary, concerned)
    unsafe = [gate for gate in concerned if gate.check in _UNSAFE and gate.verdict is not Verdict.WARN]
    return _shut(pair, "P2P_GATE_SHUT", "nothing was copied, for a copy could do harm", unsafe) if unsafe else None


def _shut(pair: Pair, code: str, summary: str, gates: Sequence[Result]) -> PairVerdict:
    causes = [Evidence(source=f"{gate.check} {gate.code}", value=gate.summary) for gate in gates]
    claim = "claimed" if pair.peer and pair.peer.claimed else "no link"
    return PairVerdict(
        pair=pair,
        verdict=Verdict.FAIL,
        code=code,
        summary="; ".join((summary, *(cause.value for cause in causes[:1]))),
        remedy=gates[0].remedy if gates else remedies.ACCESS,
        evidence=(Evidence(source=f"p2p_links {pair.name}", value=claim), *causes),
    )


def _is_back(other: Pair, pair: Pair) -> bool:
    return (other.source, other.destination) == (pair.destination, pair.source)


def _concerns(gate: Result, pair: Pair) -> bool:
    """A finding about the machine, or about the card whose memory is written."""
    return not gate.subject[:1].isdigit() or pair.destination in gate.subject


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
