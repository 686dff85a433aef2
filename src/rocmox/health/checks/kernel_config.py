"""The running kernel was built with what peer-to-peer access between cards needs.

amdgpu's Kconfig: HSA_AMD_P2P depends on PCI_P2PDMA and DMABUF_MOVE_NOTIFY (drivers/gpu/drm/amd/amdkfd/Kconfig).
"""

from __future__ import annotations

from collections.abc import Iterator

from rocmox.facts.kernel_config import read_config
from rocmox.health.cards import why_none
from rocmox.health.context import Context
from rocmox.health.result import Reporter, Result, seen

LEVEL = 1
_OPTIONS = ("CONFIG_PCI_P2PDMA", "CONFIG_DMABUF_MOVE_NOTIFY", "CONFIG_HSA_AMD_P2P")
_REMEDY = (
    "Boot a kernel that has them: Proxmox VE's and Ubuntu's do, Debian's does not "
    "(`apt install proxmox-default-kernel` on Proxmox VE, then reboot). Until then use layer split, no row split."
)
report = Reporter("kernel_config")


def run(context: Context) -> Iterator[Result]:
    """One result for the machine."""
    if nothing := why_none(context, report, node_only=True, pairs=True):
        yield nothing
        return
    config = context.read(read_config)
    evidence = [seen(config.source, f"{name}={config.options.get(name, 'not set')}") for name in _OPTIONS]
    missing = [name for name in _OPTIONS if not config.is_on(name)]
    if missing:
        what = f"the kernel was built without {', '.join(missing)}: no peer-to-peer access"
        yield report.fail("KERNEL_CONFIG_NO_P2P", context.machine.name, what, evidence, remedy=_REMEDY)
    else:
        yield report.passed(
            "KERNEL_CONFIG_OK", context.machine.name, "the kernel was built for peer-to-peer access", evidence
        )
