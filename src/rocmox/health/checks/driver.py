"""Every AMD card of a node is bound to amdgpu, with a render node and a KFD node."""

from __future__ import annotations

from collections.abc import Iterator

from rocmox.gpu import Gpu
from rocmox.health.cards import cards_in_service
from rocmox.health.context import Context
from rocmox.health.result import Evidence, Result, Verdict, not_applicable

LEVEL = 1
_CHECK = "driver"


def run(context: Context) -> Iterator[Result]:
    """One result per card."""
    if context.is_container:
        yield not_applicable(_CHECK, context.machine.name, "the driver belongs to the node, not to a container")
        return
    if not context.inventory.gpus:
        yield not_applicable(_CHECK, context.machine.name, "no AMD GPU is on the PCI bus")
        return
    for gpu in cards_in_service(context):
        yield _judge(gpu, context)


def _judge(gpu: Gpu, context: Context) -> Result:
    driver_link = f"/sys/bus/pci/devices/{gpu.pci_address}/driver"
    module = context.inventory.module
    evidence = [Evidence(source=driver_link, value=gpu.driver or "no driver")]
    beside = [other for other in context.inventory.gpus if other.driver == "amdgpu"]
    if gpu.driver == "radeon" and beside:
        return not_applicable(_CHECK, gpu.pci_address, "an older card for displays, which the driver radeon holds")
    if gpu.driver == "vfio-pci" and beside:
        what = f"{_why_unbound(gpu, loaded=True)}: it is set aside for a virtual machine"
        return _bad(gpu, "DRIVER_NOT_BOUND", what, _unbound_remedy(gpu), evidence, verdict=Verdict.WARN)
    if gpu.driver != "amdgpu":
        return _fail(gpu, "DRIVER_NOT_BOUND", _why_unbound(gpu, loaded=module.loaded), _unbound_remedy(gpu), evidence)
    if gpu.render is None:
        remedy = "Read `dmesg | grep amdgpu`: the driver holds the card and gave up before it made /dev/dri/renderDN."
        return _fail(
            gpu, "DRIVER_NO_RENDER_NODE", f"amdgpu made no render node: {gpu.unknown['render']}", remedy, evidence
        )
    if gpu.kfd_node is None:
        evidence.append(Evidence(source="/sys/class/kfd/kfd/topology/nodes", value=gpu.unknown["kfd_node"]))
        remedy = "Read `dmesg | grep kfd`; without a KFD node ROCm does not see the card, though displays work."
        return _fail(gpu, "DRIVER_NO_KFD_NODE", "KFD did not accept the card", remedy, evidence)
    evidence.append(Evidence(source="/sys/class/kfd/kfd/topology/nodes", value=f"node {gpu.kfd_node}"))
    kind = f"{module.kind} driver {module.version}" if module.version else f"{module.kind} driver"
    return Result(
        check=_CHECK,
        code="DRIVER_OK",
        verdict=Verdict.PASS,
        subject=gpu.pci_address,
        summary=f"{gpu.architecture}: {kind}, card{gpu.card}, renderD{gpu.render}, KFD node {gpu.kfd_node}",
        evidence=tuple(evidence),
    )


def _why_unbound(gpu: Gpu, *, loaded: bool) -> str:
    if gpu.driver:
        return f"the card is bound to {gpu.driver}, not to amdgpu"
    return "no driver is bound to the card" + ("" if loaded else "; the module amdgpu is not loaded")


def _unbound_remedy(gpu: Gpu) -> str:
    if gpu.driver == "vfio-pci":
        return (
            "If containers are to have the card, take it out of the VM's hostpci lines and of `ids=` in "
            "/etc/modprobe.d, run `update-initramfs -u` and reboot."
        )
    return "Run `modprobe amdgpu` and read `dmesg | grep amdgpu`; look for a blacklist in /etc/modprobe.d."


def _fail(gpu: Gpu, code: str, summary: str, remedy: str, evidence: list[Evidence]) -> Result:
    return _bad(gpu, code, summary, remedy, evidence, verdict=Verdict.FAIL)


def _bad(gpu: Gpu, code: str, summary: str, remedy: str, evidence: list[Evidence], *, verdict: Verdict) -> Result:
    return Result(
        check=_CHECK,
        code=code,
        verdict=verdict,
        subject=gpu.pci_address,
        summary=summary,
        evidence=tuple(evidence),
        remedy=remedy,
    )
