"""No memory errors on a card since its driver started (`ras/*_err_count`, amdgpu_ras.c).

A sleeping card answers 1048560 errors for every block: that number is not a count.
"""

from __future__ import annotations

from collections.abc import Iterator

from rocmox.facts.ras import RasFacts, read_ras
from rocmox.gpu import Gpu
from rocmox.health.cards import device_file, judged_cards, why_none
from rocmox.health.context import Context
from rocmox.health.result import Evidence, Reporter, Result, seen

LEVEL = 1
report = Reporter("ecc")


def run(context: Context) -> Iterator[Result]:
    """One result for each card."""
    if nothing := why_none(context, report):
        yield nothing
        return
    for gpu in judged_cards(context):
        facts = context.read(read_ras, gpu.pci_address)
        if facts is None:
            yield report.not_applicable(gpu.pci_address, "the driver counts no memory errors on this card")
        else:
            yield _judge(gpu, facts)


def _judge(gpu: Gpu, facts: RasFacts) -> Result:
    real = [count for count in facts.counts if count.is_real]
    evidence = _evidence(gpu, facts)
    if facts.counts and not real:
        what = "it answers 1048560 for every block, as a sleeping card does"
        wake = "Ask again while the card works, or boot with amdgpu.runpm=0."
        return report.unknown("ECC_ASLEEP", gpu.pci_address, what, evidence, remedy=wake)
    if not real:
        why = "; ".join(facts.unreadable.values()) or "no block has a counter"
        return report.unknown("ECC_NO_COUNTS", gpu.pci_address, why, evidence)
    uncorrected, corrected = (sum(getattr(count, kind) for count in real) for kind in ("uncorrectable", "correctable"))
    if uncorrected:
        return report.fail(
            "ECC_UNCORRECTABLE",
            gpu.pci_address,
            f"{uncorrected} memory errors that could not be corrected: its results cannot be trusted",
            evidence,
            remedy="Stop serving from this card, reboot, and test its memory. When they come back, the card is broken.",
        )
    if corrected:
        return report.warn(
            "ECC_CORRECTABLE",
            gpu.pci_address,
            f"{corrected} memory errors were corrected",
            evidence,
            remedy="Watch the count: when it grows by the day, cool the card better; replace it if that does not help.",
        )
    return report.passed("ECC_CLEAN", gpu.pci_address, f"no errors in {len(real)} blocks", evidence)


def _evidence(gpu: Gpu, facts: RasFacts) -> list[Evidence]:
    wrong = [count for count in facts.counts if count.uncorrectable or count.correctable] or list(facts.counts)
    return [
        seen(device_file(gpu, f"ras/{count.block}_err_count"), f"ue {count.uncorrectable}, ce {count.correctable}")
        for count in wrong
    ]
