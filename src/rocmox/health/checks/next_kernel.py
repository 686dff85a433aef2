"""No installed kernel lacks the driver: what the hook of amdgpu_host recorded when apt installed one."""

from __future__ import annotations

from collections.abc import Iterator

from rocmox.errors import CannotLookError
from rocmox.facts.failed_builds import DIRECTORY, read_records
from rocmox.facts.reading import read_text
from rocmox.health.context import Context
from rocmox.health.result import Evidence, Reporter, Result

LEVEL = 1
_HOOK = "/etc/kernel/postinst.d/dkms-rocmox"
_PIN = "/etc/kernel/proxmox-boot-pin"  # proxmox-kernel-helper, src/proxmox-boot/functions
report = Reporter("next_kernel")


def run(context: Context) -> Iterator[Result]:
    """One result per kernel without a built driver, or one that all is well."""
    machine = context.machine
    if context.is_container:
        yield report.not_applicable(machine.name, "kernels belong to the node")
        return
    if not machine.exists(_HOOK):
        reason = "no driver is built outside the kernel here: the hook of amdgpu_host is not installed"
        yield report.not_applicable(machine.name, reason)
        return
    pinned = _pinned(context)
    evidence = Evidence(source=_PIN, value=pinned or "no kernel is pinned")
    records = context.read(read_records)
    for record in records:
        seen = [Evidence(source=f"{DIRECTORY}/{record.kernel}.json", value=record.error), evidence]
        summary = f"amdgpu was not built for it on {record.time}: {record.error}"
        remedy = f"Read {record.log or 'the journal'}; `rocmox compatibility` shows which driver fits which kernel."
        if pinned and pinned != record.kernel:
            yield report.warn("NEXT_KERNEL_UNBUILT", record.kernel, f"{summary}; {pinned} boots", seen, remedy=remedy)
        else:
            remedy = f"Pin a kernel with a driver before you reboot: `proxmox-boot-tool kernel pin …`. {remedy}"
            yield report.fail(
                "NEXT_KERNEL_BOOTS_UNBUILT", record.kernel, f"{summary}; it may boot next", seen, remedy=remedy
            )
    if not records:
        yield report.passed(
            "NEXT_KERNEL_OK", machine.name, "the driver was built for every kernel apt installed", [evidence]
        )


def _pinned(context: Context) -> str:
    try:
        return read_text(context.machine, _PIN).partition("\n")[0].strip()
    except CannotLookError:
        return ""
