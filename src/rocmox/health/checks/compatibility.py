"""ROCm on this machine, the driver below it and the kernel go together.

AMD promises two minor releases between ROCm and its driver either way: `data/rocm_drivers.toml` says which release an
amdgpu-dkms belongs to; the kernel's own amdgpu belongs to none. What is known of kernel, driver, ROCm and architecture
stands in `rocmox compatibility`.
"""

from __future__ import annotations

from collections.abc import Iterator

from rocmox.errors import CannotLookError
from rocmox.facts.rocm import read_version
from rocmox.health.cards import judged_cards, why_none
from rocmox.health.context import Context
from rocmox.health.data_files import load
from rocmox.health.result import Evidence, Reporter, Result, seen

LEVEL = 1
report = Reporter("compatibility")


def run(context: Context) -> Iterator[Result]:
    """One result for the machine."""
    if nothing := why_none(context, report):
        yield nothing
        return
    try:
        version = context.read(read_version)
    except CannotLookError:
        yield report.not_applicable(context.machine.name, "AMD's ROCm packages are not installed here")
        return
    rocm = ".".join(map(str, version))
    module = context.inventory.module
    driver = f"{module.kind} {module.version}" if module.version else f"{module.kind or 'no'} driver"
    evidence = [seen("/opt/rocm/.info/version", rocm), seen("/sys/module/amdgpu/version", driver)]
    yield from _of_kernel(context, rocm, evidence)
    if module.kind == "dkms" and module.version:
        yield _judge(context, f"{version[0]}.{version[1]}", module.version, evidence)


def _of_kernel(context: Context, rocm: str, evidence: list[Evidence]) -> Iterator[Result]:
    """What is known of each architecture of the machine with this kernel and driver."""
    from rocmox.compatibility import Verdict as Known  # noqa: PLC0415 - its table is read only where ROCm is installed
    from rocmox.compatibility import look_up  # noqa: PLC0415

    inventory = context.inventory
    kernel, kind = inventory.kernel_release or "", inventory.module.kind or "inbox"
    for architecture in dict.fromkeys(gpu.architecture for gpu in judged_cards(context)):
        row = look_up(pve=None, kernel=kernel, driver=kind, rocm=rocm, architecture=architecture)
        subject = architecture or context.machine.name
        known = [*evidence, seen(row.source or "rocmox compatibility", f"{row.verdict.value} ({row.basis})")]
        what = f"ROCm {rocm} on the {kind} driver of kernel {kernel}: {row.note}"
        if row.verdict is Known.KNOWN_BAD:
            remedy = "`rocmox compatibility` lists what works; take one of its rows."
            yield report.fail("COMPATIBILITY_KNOWN_BAD", subject, what, known, remedy=remedy)
        elif row.verdict is Known.WORKS:
            yield report.passed("COMPATIBILITY_WORKS", subject, what, known)
        else:
            yield report.not_applicable(subject, what, known)


def _judge(context: Context, rocm: str, driver: str, evidence: list[Evidence]) -> Result:
    table = load("rocm_drivers.toml")
    release = _release_of(driver, table["drivers"])
    order: list[str] = table["releases"]
    evidence.append(seen(table["source"], f"{table['distance']} minor releases either way"))
    if release is None or rocm not in order:
        unknown = f"ROCm {rocm}" if release else f"amdgpu-dkms {driver}"
        why = f"{unknown} is not in the table of releases"
        return report.unknown("COMPATIBILITY_UNKNOWN", context.machine.name, why, evidence)
    apart = abs(order.index(release) - order.index(rocm))
    summary = f"ROCm {rocm} on the driver of ROCm {release}"
    if apart <= table["distance"]:
        return report.passed("COMPATIBILITY_OK", context.machine.name, summary, evidence)
    return report.warn(
        "COMPATIBILITY_FAR",
        context.machine.name,
        f"{summary}: {apart} minor releases apart, and AMD promises {table['distance']}",
        evidence,
        remedy=f"Install amdgpu-dkms of ROCm {rocm} on the node, or ROCm {release} in the guest.",
    )


def _release_of(driver: str, drivers: dict[str, str]) -> str | None:
    fitting = [prefix for prefix in drivers if driver.startswith(prefix)]
    return drivers[max(fitting, key=len)] if fitting else None
