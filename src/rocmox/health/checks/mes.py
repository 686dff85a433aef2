"""Each card's scheduler works: MES on gfx11 and later, before that HWS, which has no MES to fail.

Level 1 reads the firmware's version and the log; levels 2 and 3 also make, use and remove queues on the cards.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from rocmox.errors import CannotLookError
from rocmox.facts.aer import read_link_errors
from rocmox.facts.firmware import read_firmware
from rocmox.gpu.card import Gpu
from rocmox.health.boot_logs import JudgedLog, judge_previous_boot, judge_this_boot
from rocmox.health.cards import judged_cards, why_none
from rocmox.health.checks.kernel_log import evidence_of
from rocmox.health.context import SHORT, Context
from rocmox.health.kernel_log.event import HOST, Severity
from rocmox.health.kernel_log.findings import Finding
from rocmox.health.result import Evidence, Reporter, Result, Verdict

LEVEL = 1
_FIRST_WITH_MES = 11
_SCHEDULER = (
    "MES_",
    "HWS_",
    "KFD_EVICT",
    "KFD_QUEUE",
    "KIQ_",
    "RING_",
    "CP_QUEUE",
    "GPU_RESET",
    "SCHED_",
    "DEVICE_LOST",
)
report = Reporter("mes")


def run(context: Context) -> Iterator[Result]:
    """For each card whether it has MES and what the logs say of its scheduler, and what the active probe found."""
    if nothing := why_none(context, report):
        yield nothing
        return
    queues: list[Result] = []
    if context.level >= SHORT:
        from rocmox.health.queues import probe_queues  # noqa: PLC0415 - level 1 does without it

        queues += probe_queues(context, report)
        # What the kernel writes of the probe stands in a log that is read after it.
        context = dataclasses.replace(context, _read={})
    for gpu in judged_cards(context):
        yield from _judge(gpu, context)
    if not context.is_container:
        yield from _boot_before(context)
    yield from queues


def _judge(gpu: Gpu, context: Context) -> Iterator[Result]:
    has_mes = _has_mes(gpu)
    if has_mes is None:
        reason = f"the architecture of {gpu.model or gpu.device_id} is unknown, so is its scheduler"
        yield report.unknown("MES_ARCHITECTURE_UNKNOWN", gpu.pci_address, reason)
        return
    evidence = _evidence(gpu, context)
    if not has_mes:
        reason = f"{gpu.architecture} has no MES (gfx11 and later do); its scheduler is HWS"
        yield report.not_applicable(gpu.pci_address, reason, evidence)
    name = "MES" if has_mes else "HWS"
    if context.is_container:
        reason = f"the log of {name} is the node's: run `rocmox mes` there, or `--level 2` here"
        yield report(Verdict.NOT_APPLICABLE, f"{name}_LOG_ON_NODE", gpu.pci_address, reason)
        return
    yield from _log(gpu, context, name, evidence)


def _log(gpu: Gpu, context: Context, name: str, evidence: list[Evidence]) -> Iterator[Result]:
    try:
        log = context.read(judge_this_boot)
    except CannotLookError as error:
        summary = f"whether {name} ever stood still is unknown: {error.message}"
        yield report.unknown(f"{name}_LOG_UNREADABLE", gpu.pci_address, summary, evidence, remedy=error.remedy)
        return
    if log is None:
        reason = f"this machine offers no kernel log that could speak of {name}"
        yield report(Verdict.NOT_APPLICABLE, f"{name}_NO_LOG", gpu.pci_address, reason, evidence)
        return
    found = _of_card(log, gpu)
    for finding in found:
        code = finding.incident.first.code
        if name == "HWS" and any(event.code.startswith("MES_") for event in finding.incident.events):
            summary = f"the log speaks of MES on a {gpu.architecture}, which has none: a defect of rocmox's rules"
            yield report.unknown("MES_RULE_DEFECT", gpu.pci_address, summary, evidence_of(finding, log.source))
            continue
        code = code if code.startswith(f"{name}_") else f"{name}_{code}"
        all_evidence = [*evidence_of(finding, log.source), *evidence]
        yield report(finding.verdict, code, gpu.pci_address, finding.summary, all_evidence, remedy=finding.remedy)
    if not found:
        summary = f"no message of this boot says that {name} stood still"
        yield report.passed(
            f"{name}_OK", gpu.pci_address, summary, [*evidence, Evidence(source=log.source, value="no incident")]
        )


def _boot_before(context: Context) -> Iterator[Result]:
    try:
        log = context.read(judge_previous_boot)
    except CannotLookError as error:
        summary = f"whether a scheduler ended the boot before is unknown: {error.message}"
        yield report.unknown("MES_NO_BOOT_BEFORE", context.machine.name, summary, remedy=error.remedy)
        return
    for gpu in judged_cards(context) if log else ():
        for finding in _of_card(log, gpu) if log else ():
            summary = f"in the boot before ({finding.verdict.value}): {finding.summary}"
            evidence = evidence_of(finding, log.source) if log else ()
            yield report.warn("MES_BOOT_BEFORE", gpu.pci_address, summary, evidence, remedy=finding.remedy)


def _of_card(log: JudgedLog, gpu: Gpu) -> list[Finding]:
    """Incidents in which this card's scheduler has a part; what nobody signed counts for every card."""
    return [
        finding
        for finding in log.report.findings
        if any(
            event.subject in {gpu.pci_address, HOST}
            and event.severity >= Severity.WARN
            and event.code.startswith(_SCHEDULER)
            for event in finding.incident.events
        )
    ]


def _has_mes(gpu: Gpu) -> bool | None:
    """By the architecture: gfx906 is version 9, gfx1100 version 11 (the last two characters are minor and stepping)."""
    digits = (gpu.architecture or "").removeprefix("gfx")[:-2]
    return int(digits) >= _FIRST_WITH_MES if digits.isascii() and digits.isdecimal() else None


def _evidence(gpu: Gpu, context: Context) -> list[Evidence]:
    """MES's versions, and the errors of the link: a bad link looks like a scheduler that stands still."""
    evidence = [Evidence(source="gfx_target_version", value=gpu.architecture or "unknown")]
    try:
        table = context.read(read_firmware, gpu.pci_address)
        evidence += [
            Evidence(source=f"fw_version {name}", value=f"{version:#x}")
            for name in ("MES", "MES_KIQ", "MEC")
            if (version := table.version(name)) is not None
        ]
    except CannotLookError as error:
        evidence.append(Evidence(source="fw_version", value=error.message))
    for place in (gpu.pci_address, *gpu.bridges):
        try:
            errors = context.read(read_link_errors, place)
        except CannotLookError:
            continue
        counts = f"{errors.correctable} corrected, {errors.nonfatal} nonfatal, {errors.fatal} fatal"
        evidence.append(Evidence(source=f"aer_dev_* of {place}", value=counts))
    return evidence
