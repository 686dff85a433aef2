"""No IOMMU translates the cards' accesses: `iommu=pt` gives them an identity domain.

Intel's IOMMU translates by default in Ubuntu's kernels, hence in Proxmox VE's (INTEL_IOMMU_DEFAULT_ON,
IOMMU_DEFAULT_DMA_LAZY); AMD's guide asks for pass-through mode on machines with several cards.
"""

from __future__ import annotations

from collections.abc import Iterator

from rocmox.errors import CannotLookError
from rocmox.facts.iommu import IommuDomain, command_line_words, read_domain
from rocmox.facts.kernel import read_command_line
from rocmox.gpu import Gpu
from rocmox.health.cards import judged_cards, why_none
from rocmox.health.context import Context
from rocmox.health.result import Evidence, Reporter, Result, seen

LEVEL = 1
_PAIR = 2
report = Reporter("iommu")


def run(context: Context) -> Iterator[Result]:
    """One result for each card."""
    if nothing := why_none(context, report, node_only=True):
        yield nothing
        return
    words = _words(context)
    cards = judged_cards(context)
    for gpu in cards:
        yield _judge(gpu, context, words, alone=len(cards) < _PAIR)


def _judge(gpu: Gpu, context: Context, words: Evidence, *, alone: bool) -> Result:
    try:
        domain = context.read(read_domain, gpu.pci_address)
    except CannotLookError as error:
        return report.unknown("IOMMU_CANNOT_LOOK", gpu.pci_address, error.message, [words])
    evidence = [words, _group(gpu, domain)]
    if domain.type is None:
        return report.passed("IOMMU_NONE", gpu.pci_address, "no IOMMU is in front of the card", evidence)
    if not domain.translates:
        return report.passed("IOMMU_PASSES", gpu.pci_address, f"the IOMMU passes through ({domain.type})", evidence)
    if alone:
        summary = f"the IOMMU translates ({domain.type}), which matters between cards, and there is one"
        return report.passed("IOMMU_ONE_CARD", gpu.pci_address, summary, evidence)
    return report.warn(
        "IOMMU_TRANSLATES",
        gpu.pci_address,
        f"the IOMMU translates every access of the card ({domain.type})",
        evidence,
        remedy="Add `iommu=pt` to the kernel command line: to /etc/kernel/cmdline and `proxmox-boot-tool refresh`, or "
        "to GRUB_CMDLINE_LINUX_DEFAULT in /etc/default/grub and `update-grub`; then reboot.",
    )


def _group(gpu: Gpu, domain: IommuDomain) -> Evidence:
    if domain.group is None:
        return seen(f"/sys/bus/pci/devices/{gpu.pci_address}/iommu_group", "missing")
    return seen(f"/sys/kernel/iommu_groups/{domain.group}/type", domain.type)


def _words(context: Context) -> Evidence:
    try:
        words = command_line_words(context.read(read_command_line))
    except CannotLookError as error:
        words = error.message
    return seen("/proc/cmdline", words or "no word about the IOMMU")
