"""ROCm on this machine and the driver below it are close enough: AMD promises two minor releases either way.

`data/rocm_drivers.toml` says which release an amdgpu-dkms belongs to; the kernel's own amdgpu belongs to none.
"""

from __future__ import annotations

from collections.abc import Iterator

from rocmox.errors import CannotLookError
from rocmox.facts.rocm import read_version
from rocmox.health.cards import why_none
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
    if module.kind != "dkms" or not module.version:
        kernel = context.inventory.kernel_release
        why = f"ROCm {rocm} on the driver of kernel {kernel}: AMD pairs only amdgpu-dkms with releases"
        yield report.not_applicable(context.machine.name, why, evidence)
        return
    yield _judge(context, f"{version[0]}.{version[1]}", module.version, evidence)


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
