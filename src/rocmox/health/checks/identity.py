"""Every card is what it says it is: compute units, VRAM, VBIOS, ECC and unique ids fit its kind.

Cards sold as MI50 are often other Vega 20 boards with another label or image; the evidence is shown, an owner judges.
"""

from __future__ import annotations

from collections.abc import Iterator

from rocmox.errors import CannotLookError
from rocmox.facts.module_parameters import read_parameter
from rocmox.facts.ras import read_ras
from rocmox.gpu import Gpu
from rocmox.gpu.catalogue import vbios_images
from rocmox.gpu.identity import describe, oddities
from rocmox.health.cards import device_file, judged_cards, why_none
from rocmox.health.context import Context
from rocmox.health.result import Evidence, Reporter, Result, seen

LEVEL = 1
_REMEDIES = {
    "IDENTITY_VBIOS_LIMITED": "`rocmox health --only bar` says what it costs; another image may give it back.",
    "IDENTITY_SAME_UNIQUE_ID": "Tell these cards apart by PCI address alone; ask the seller which one was flashed.",
}
_REMEDY = (
    "Compare the card with what was sold: board, memory chips and label. Test its whole memory before you rely on it "
    "(`rocmox health --level 3`), and plan with the figures it shows, not with those of its label."
)
report = Reporter("identity")


def run(context: Context) -> Iterator[Result]:
    """One result for each oddity of a card, else one for the card."""
    if nothing := why_none(context, report):
        yield nothing
        return
    cards = judged_cards(context)
    for gpu in cards:
        odd = oddities(gpu, cards, has_ecc=_has_ecc(gpu, context))
        for each in odd:
            evidence = [seen(source, value) for source, value in each.evidence]
            remedy = _REMEDIES.get(each.code, _REMEDY)
            yield report.warn(each.code, gpu.pci_address, each.summary, evidence, remedy=remedy)
        if not odd:
            yield report.passed("IDENTITY_OK", gpu.pci_address, _summary(gpu), _evidence(gpu))


def _has_ecc(gpu: Gpu, context: Context) -> bool | None:
    """Whether the driver counts memory errors; None while no driver could, or amdgpu.ras_enable=0 forbids it."""
    if gpu.driver != "amdgpu":
        return None
    if context.read(read_ras, gpu.pci_address) is not None:
        return True
    try:
        return None if context.read(read_parameter, "amdgpu", "ras_enable").strip() == "0" else False
    except CannotLookError:
        return False


def _summary(gpu: Gpu) -> str:
    image = vbios_images().get(gpu.vbios or "")
    return describe(gpu) + (f", VBIOS of {image.made_for}" if image else "")


def _evidence(gpu: Gpu) -> list[Evidence]:
    values = {
        "device": f"1002:{gpu.device_id}, subsystem {gpu.subsystem_id}",
        "vbios_version": gpu.vbios,
        "mem_info_vram_total": gpu.vram_bytes,
        "mem_info_vram_vendor": gpu.vram_vendor,
        "unique_id": gpu.unique_id,
    }
    units = seen(f"/sys/class/kfd/kfd/topology/nodes/{gpu.kfd_node}/properties", f"{gpu.compute_units} compute units")
    return [units, *(seen(device_file(gpu, name), value) for name, value in values.items())]
