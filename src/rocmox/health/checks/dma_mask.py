"""Every card can address the framebuffer registers of the others.

amdgpu's DMA mask has 44 bits on gfx9 to gfx12 (48 on gfx94x): a register above cannot be reached by peers unless an
IOMMU translates for them (amdgpu_device_is_peer_accessible; gmc_v9_0.c, gmc_v11_0.c).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from rocmox.errors import CannotLookError
from rocmox.facts.bar import BarFacts, read_bar
from rocmox.facts.iommu import read_domain
from rocmox.gpu import Gpu
from rocmox.health.cards import device_file, judged_cards, why_none
from rocmox.health.context import Context
from rocmox.health.result import Reporter, Result, seen

LEVEL = 1
_WIDE = ("gfx940", "gfx941", "gfx942", "gfx950")
report = Reporter("dma_mask")


def run(context: Context) -> Iterator[Result]:
    """One result for each card whose register a peer cannot reach, else one for the machine."""
    if nothing := why_none(context, report, pairs=True):
        yield nothing
        return
    cards = judged_cards(context)
    bars = {gpu.pci_address: context.read(read_bar, gpu.pci_address) for gpu in cards}
    bad = [_unreachable(*pair, bars, context) for pair in itertools.permutations(cards, 2)]
    found = {result.subject: result for result in bad if result}
    yield from found.values()
    if not found:
        highest = max(bar.region.end for bar in bars.values())
        evidence = [
            seen(device_file(gpu, "resource"), f"ends at 0x{bars[gpu.pci_address].region.end:x}") for gpu in cards
        ]
        summary = f"every register ends below the peers' DMA masks (highest address 0x{highest:x})"
        yield report.passed("DMA_MASK_OK", context.machine.name, summary, evidence)


def _unreachable(gpu: Gpu, peer: Gpu, bars: dict[str, BarFacts], context: Context) -> Result | None:
    """Why `peer` cannot address the register of `gpu`; None when it can."""
    end, bits = bars[gpu.pci_address].region.end, bars[peer.pci_address].dma_mask_bits or _usual_bits(peer)
    if end < 1 << bits or _translates(peer, context):
        return None
    evidence = [
        seen(device_file(gpu, "resource"), f"ends at 0x{end:x}"),
        seen(device_file(peer, "dma_mask_bits"), bits),
    ]
    return report.fail(
        "DMA_MASK_EXCEEDED",
        gpu.pci_address,
        f"its register ends at 0x{end:x}, above the {bits} bits that other cards can address: no peer-to-peer access",
        evidence,
        remedy="Lower the mainboard's `MMIO High Base` (1 TiB has worked on X99 boards) and `MMIO High Granularity`, "
        "so that every card's register lies below 16 TiB.",
    )


def _usual_bits(gpu: Gpu) -> int:
    return 48 if gpu.architecture in _WIDE else 44


def _translates(gpu: Gpu, context: Context) -> bool:
    try:
        return context.read(read_domain, gpu.pci_address).translates
    except CannotLookError:
        return False
