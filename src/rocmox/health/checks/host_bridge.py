"""The kernel lets two cards reach each other through their host bridge.

drivers/pci/p2pdma.c: below one switch always; across a host bridge on AMD processors of family 17h (Zen) and later, and
for the Intel bridges of its white list, some of them only when both cards hang on the same one.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from rocmox.errors import CannotLookError
from rocmox.facts.processor import Processor, read_processor
from rocmox.facts.root_bus import RootBus, read_root_bus
from rocmox.gpu import Gpu
from rocmox.health.cards import judged_cards, judged_peers, why_none
from rocmox.health.context import Context
from rocmox.health.result import Evidence, Reporter, Result, seen

LEVEL = 1
_INTEL, _GOOGLE = 0x8086, 0x1AE0
_ZEN_FAMILY = 0x17
_SAME_BRIDGE_ONLY = frozenset({0x3C00, 0x3C01, 0x2F00, 0x2F01})  # Sandy Bridge-E, Haswell-E
_ANYWHERE = frozenset({0x2030, 0x2031, 0x2032, 0x2033, 0x2020, 0x09A2})  # Skylake-E, Ice Lake
_REMEDY = (
    "No setting changes this: the kernel's list (drivers/pci/p2pdma.c) does not name this host bridge, or not for "
    "cards on different ones. Put the cards behind one PCIe switch or in slots of one processor, or use layer split "
    "without peer copies."
)
report = Reporter("host_bridge")


def run(context: Context) -> Iterator[Result]:
    """One result for each pair that is refused, else one for the machine."""
    if nothing := why_none(context, report, node_only=True, pairs=True):
        yield nothing
        return
    processor = _processor(context)
    cards = judged_cards(context)
    roots = {gpu.pci_address: context.read(read_root_bus, gpu.pci_address) for gpu in cards}
    hive = _in_hive(context)
    refused = [
        pair
        for pair in itertools.combinations(cards, 2)
        if (pair[0].pci_address, pair[1].pci_address) not in hive and not _is_allowed(*pair, roots, processor)
    ]
    evidence = _evidence(processor, roots)
    for one, other in refused:
        what = f"the host bridge {_name(roots[one.pci_address])} is not one that the kernel lets peers cross"
        yield report.fail(
            "HOST_BRIDGE_REFUSED", f"{one.pci_address} - {other.pci_address}", what, evidence, remedy=_REMEDY
        )
    if not refused:
        yield report.passed(
            "HOST_BRIDGE_ALLOWED",
            context.machine.name,
            "the kernel lets every pair of cards reach each other",
            evidence,
        )


def _is_allowed(one: Gpu, other: Gpu, roots: dict[str, RootBus], processor: Processor | None) -> bool:
    if set(one.bridges) & set(other.bridges):
        return True
    if processor and processor.vendor == "AuthenticAMD" and processor.family >= _ZEN_FAMILY:
        return True
    first, second = roots[one.pci_address], roots[other.pci_address]
    same = first.bus == second.bus
    return all(_is_listed(root, same_bridge=same) for root in (first, second))


def _is_listed(root: RootBus, *, same_bridge: bool) -> bool:
    """As __host_bridge_whitelist(): the first function must have number 00.0 or be a root port."""
    if not (root.first.endswith(":00.0") or root.is_root_port):
        return False
    if root.vendor_id == _GOOGLE:
        return True
    listed = root.device_id in _ANYWHERE or (same_bridge and root.device_id in _SAME_BRIDGE_ONLY)
    return root.vendor_id == _INTEL and listed


def _in_hive(context: Context) -> set[tuple[str, str]]:
    """Pairs that XGMI joins: nothing of theirs crosses a host bridge."""
    try:
        peers = judged_peers(context)
    except CannotLookError:
        return set()
    return {(peer.source.pci_address, peer.destination.pci_address) for peer in peers if peer.is_xgmi}


def _processor(context: Context) -> Processor | None:
    try:
        return context.read(read_processor)
    except CannotLookError:
        return None


def _name(root: RootBus) -> str:
    return f"{root.vendor_id:04x}:{root.device_id:04x}"


def _evidence(processor: Processor | None, roots: dict[str, RootBus]) -> list[Evidence]:
    family = f"{processor.vendor} family 0x{processor.family:x} ({processor.name})" if processor else "not readable"
    buses = {root.bus: root for root in roots.values()}
    return [seen("/proc/cpuinfo", family), *(seen(f"{bus}/{root.first}", _name(root)) for bus, root in buses.items())]
