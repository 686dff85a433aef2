"""amdgpu-dkms that claims peer-to-peer access without checking it.

Its Kbuild asks for a misspelt kernel option, so it takes its legacy path: no p2pdma distance check, links wherever the
register is large, and a shared mapping that must not be used behind a translating IOMMU
(github.com/ROCm/amdgpu pull request 210; amdgpu_amdkfd_gpuvm.c).
"""

from __future__ import annotations

from collections.abc import Iterator

from rocmox.errors import CannotLookError
from rocmox.facts.dkms_driver import read_sees_p2p
from rocmox.facts.iommu import read_domain
from rocmox.gpu import Gpu
from rocmox.health.cards import judged_cards, judged_peers, why_none
from rocmox.health.context import Context
from rocmox.health.result import Evidence, Reporter, Result, seen

LEVEL = 1
_PROVE = "Prove it by data: `rocmox p2p`. The kernel's own amdgpu checks by itself: `apt purge amdgpu-dkms` and reboot."
report = Reporter("dkms_legacy")


def run(context: Context) -> Iterator[Result]:
    """One result for the machine."""
    if nothing := why_none(context, report, pairs=True):
        yield nothing
        return
    module = context.inventory.module
    if module.kind != "dkms":
        yield report.not_applicable(
            context.machine.name, f"the driver is not amdgpu-dkms ({module.kind or 'not loaded'})"
        )
        return
    is_fixed, evidence = _sources(context)
    evidence.append(seen("/sys/module/amdgpu/version", module.version))
    claims = [peer for peer in judged_peers(context) if peer.claimed and not peer.is_xgmi]
    if is_fixed:
        yield report.passed(
            "DKMS_LEGACY_FIXED", context.machine.name, "this amdgpu-dkms checks what it claims", evidence
        )
    elif not claims:
        yield report.passed("DKMS_LEGACY_NO_CLAIM", context.machine.name, "it claims no access over PCIe", evidence)
    elif translated := _translated(context):
        yield _dangerous(context, translated, evidence)
    else:
        what = (
            f"amdgpu-dkms {module.version} claims access for {len(claims)} pairs without checking the way between them"
        )
        yield report.warn("DKMS_LEGACY_UNCHECKED", context.machine.name, what, evidence, remedy=_PROVE)


def _sources(context: Context) -> tuple[bool, list[Evidence]]:
    """Whether its build saw the kernel's support; without sources to read the legacy path is assumed."""
    try:
        path, sees = context.read(read_sees_p2p)
    except CannotLookError as error:
        return False, [seen("/usr/src/amdgpu-*/amd/dkms/Kbuild", error.message)]
    return sees, [seen(path, "asks for CONFIG_DMABUF_MOVE_NOTIFY" if sees else "asks for CONFIG_DMABUF_MOVENOTIFY")]


def _translated(context: Context) -> list[Gpu]:
    found = []
    for gpu in judged_cards(context):
        try:
            if context.read(read_domain, gpu.pci_address).translates:
                found.append(gpu)
        except CannotLookError:
            continue
    return found


def _dangerous(context: Context, translated: list[Gpu], evidence: list[Evidence]) -> Result:
    evidence += [seen(f"/sys/bus/pci/devices/{gpu.pci_address}/iommu_group", "translating") for gpu in translated]
    return report.fail(
        "DKMS_LEGACY_TRANSLATED",
        context.machine.name,
        "amdgpu-dkms claims access without checking, and a translating IOMMU is in between: copies can go astray",
        evidence,
        remedy=f"Add `iommu=pt` to the kernel command line and reboot. {_PROVE}",
    )
