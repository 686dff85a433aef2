"""ROCm on this machine, the driver below it and the kernel go together.

`data/rocm_drivers.toml` holds AMD's table of which ROCm it supports on which amdgpu-dkms; the kernel's own amdgpu
stands in no such table, and what the table does not name is unknown. What is known of kernel, driver, ROCm and
architecture stands in `rocmox compatibility`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

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


def _judge(context: Context, rocm: str, version: str, evidence: list[Evidence]) -> Result:
    table = load("rocm_drivers.toml")
    driver = _driver(version, table["driver"])
    if driver is None or rocm not in table["rocm_known"]:
        unknown = f"ROCm {rocm}" if driver else f"amdgpu-dkms {version}"
        why = f"{unknown} is not in the table of drivers"
        return report.unknown(
            "COMPATIBILITY_UNKNOWN", context.machine.name, why, [*evidence, seen(table["source"], why)]
        )
    evidence.append(seen(table["source"], f"{driver['package']}: ROCm {', '.join(driver['rocm'])}"))
    summary = f"ROCm {rocm} on the driver of ROCm {driver['release']}"
    if rocm in driver["rocm"]:
        return report.passed("COMPATIBILITY_OK", context.machine.name, summary, evidence)
    return report.warn(
        "COMPATIBILITY_FAR",
        context.machine.name,
        f"{summary}: AMD does not support these two together",
        evidence,
        remedy=f"Install amdgpu-dkms of ROCm {rocm} on the node, or ROCm {driver['release']} in the guest.",
    )


def _driver(version: str, drivers: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The entry whose `version` this one begins with, the longest where several do."""
    fitting = [driver for driver in drivers if version.startswith(driver["version"])]
    return max(fitting, key=lambda driver: len(driver["version"]), default=None)
