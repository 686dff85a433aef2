"""amdgpu may use peer-to-peer access over PCIe: its module parameter `pcie_p2p`.

The kernel's own amdgpu has the parameter only when it was built with CONFIG_HSA_AMD_P2P; amdgpu-dkms always has it
(amdgpu_drv.c).
"""

from __future__ import annotations

from collections.abc import Iterator

from rocmox.errors import CannotLookError
from rocmox.facts.module_parameters import parameter_path, parse_switch, read_parameter
from rocmox.health.cards import why_none
from rocmox.health.context import Context
from rocmox.health.result import Reporter, Result, seen

LEVEL = 1
_PATH = parameter_path("amdgpu", "pcie_p2p")
report = Reporter("pcie_p2p")


def run(context: Context) -> Iterator[Result]:
    """One result for the machine."""
    if nothing := why_none(context, report, pairs=True):
        yield nothing
        return
    module = context.inventory.module
    if not module.loaded:
        yield report.not_applicable(context.machine.name, "the module amdgpu is not loaded")
        return
    if not context.machine.exists(_PATH):
        yield _missing(context)
        return
    text = context.read(read_parameter, "amdgpu", "pcie_p2p")
    evidence = [seen(_PATH, text), seen("/sys/module/amdgpu/version", module.version or f"{module.kind} driver")]
    try:
        is_on = parse_switch(text)
    except CannotLookError as error:
        yield report.unknown("PCIE_P2P_UNREADABLE", context.machine.name, error.message, evidence)
        return
    if is_on:
        always = "; amdgpu-dkms always has this parameter, so it proves nothing" if module.kind == "dkms" else ""
        yield report.passed("PCIE_P2P_ON", context.machine.name, f"pcie_p2p is on{always}", evidence)
    else:
        yield report.fail(
            "PCIE_P2P_OFF",
            context.machine.name,
            "amdgpu was told not to use peer-to-peer access",
            evidence,
            remedy="Take `pcie_p2p=0` out of /etc/modprobe.d and `amdgpu.pcie_p2p=0` out of the kernel command line, "
            "run `update-initramfs -u` and reboot.",
        )


def _missing(context: Context) -> Result:
    return report.fail(
        "PCIE_P2P_NOT_BUILT",
        context.machine.name,
        "the loaded amdgpu has no parameter pcie_p2p: it was built without CONFIG_HSA_AMD_P2P",
        [seen(_PATH, "missing")],
        remedy="Boot a kernel with CONFIG_HSA_AMD_P2P=y, such as Proxmox VE's own; on the node "
        "`rocmox health --only kernel_config` says what this one lacks.",
    )
