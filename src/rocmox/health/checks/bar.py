"""The whole VRAM is visible through the card's framebuffer register (large BAR); who keeps it small is told apart.

Peer-to-peer access asks for it (amdgpu_device_is_peer_accessible: visible_vram_size == real_vram_size). A card whose
VBIOS offers no Resizable BAR stays small on every board; otherwise the platform did not give the room.
"""

from __future__ import annotations

from collections.abc import Iterator

from rocmox.facts.bar import BarFacts, read_bar
from rocmox.gpu import Gpu
from rocmox.gpu.catalogue import vbios_images
from rocmox.health.cards import device_file, judged_cards, why_none
from rocmox.health.context import Context
from rocmox.health.result import Evidence, Reporter, Result, Verdict, seen
from rocmox.units import format_bytes

LEVEL = 1
_PAIR = 2
report = Reporter("bar")


def run(context: Context) -> Iterator[Result]:
    """One result for each card."""
    if nothing := why_none(context, report):
        yield nothing
        return
    cards = judged_cards(context)
    for gpu in cards:
        yield _judge(gpu, context, alone=len(cards) < _PAIR)


def _judge(gpu: Gpu, context: Context, *, alone: bool) -> Result:
    if gpu.is_integrated:
        return report.not_applicable(gpu.pci_address, "an integrated GPU needs no register")
    if gpu.vram_bytes is None:
        return report.unknown("BAR_NO_VRAM_SIZE", gpu.pci_address, gpu.unknown.get("vram_bytes", "no VRAM size"))
    bar = context.read(read_bar, gpu.pci_address)
    size, evidence = bar.region.size_bytes, _evidence(gpu, bar)
    visible = size if gpu.visible_vram_bytes is None else min(size, gpu.visible_vram_bytes)
    if visible >= gpu.vram_bytes:
        summary = f"all {format_bytes(gpu.vram_bytes)} are visible in a register of {format_bytes(size)}"
        return report.passed("BAR_LARGE", gpu.pci_address, summary, evidence)
    largest = max(bar.resizable_bytes, default=0)
    shown = f"only {format_bytes(visible)} of {format_bytes(gpu.vram_bytes)} are visible"
    verdict = Verdict.WARN if alone else Verdict.FAIL
    if largest >= gpu.vram_bytes:
        summary = f"{shown}, though the card could show {format_bytes(largest)}: the platform gives too little room"
        return report(verdict, "BAR_SMALL_PLATFORM", gpu.pci_address, summary, evidence, remedy=_PLATFORM)
    offers = f"at most {format_bytes(largest)}" if largest else "no Resizable BAR"
    summary = f"{shown}: the card's VBIOS {gpu.vbios or ''} offers {offers}".replace("  ", " ")
    return report(verdict, "BAR_SMALL_VBIOS", gpu.pci_address, summary, evidence, remedy=_VBIOS)


_PLATFORM = (
    "Switch on `Above 4G Decoding` and `Resizable BAR` in the mainboard's firmware and boot in UEFI mode without CSM; "
    "`dmesg | grep -e BAR -e 'address space'` then shows whether the kernel found the room. Until then use no row "
    "split and no peer copies: with a small register they crash inside libamdhip64."
)
_VBIOS = (
    "No setting of the mainboard helps: only another VBIOS image does (owners of 32 GB MI50 report 113-D1631700-111 "
    "and 113-D163A1XT-045). Flashing can ruin a card; keep a copy of the old image. Until then use layer split without "
    "peer copies."
)


def _evidence(gpu: Gpu, bar: BarFacts) -> list[Evidence]:
    sizes = ", ".join(map(format_bytes, bar.resizable_bytes)) or "missing: no Resizable BAR capability"
    evidence = [
        seen(device_file(gpu, "resource"), f"0x{bar.region.start:016x} 0x{bar.region.end:016x}"),
        seen(device_file(gpu, "resource0_resize"), sizes),
        seen(device_file(gpu, "mem_info_vis_vram_total"), gpu.visible_vram_bytes),
        seen(device_file(gpu, "mem_info_vram_total"), gpu.vram_bytes),
    ]
    image = vbios_images().get(gpu.vbios or "")
    return [*evidence, seen(image.source, f"{image.part}: {image.note}")] if image else evidence
