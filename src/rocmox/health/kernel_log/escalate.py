"""What a message alone does not say: sequence and rate.

A reset that never ends is a hang and every successful mode 1 reset loses VRAM (amdgpu_device.c); MES is polled for
2.1 s, so a scheduler that stands still repeats itself (mes_v11_0.c).
"""

from __future__ import annotations

import dataclasses

from rocmox.health.kernel_log.event import Event, Severity
from rocmox.health.kernel_log.incident import WINDOW_SECONDS, Incident
from rocmox.health.kernel_log.rules import bus, fault, mes, power

RESET_SECONDS = 60.0
_MES_BURST = 4
_IOMMU_BURST = 4
_FAULT_SECONDS = 30.0
_MOST_HEALED = 2
_SCHEDULERS = ("HWS_", "MES_", "RING_")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Judgement:
    """`reasons` say why the severity is not that of the highest event."""

    severity: Severity
    reasons: tuple[str, ...] = ()


def judge(incident: Incident) -> Judgement:
    """The incident's severity after all rules of sequence and rate."""
    reasons: list[str] = []
    worst = Severity.INFO
    for event in incident.events:
        severity, reason = _alone(event, incident)
        worst = max(worst, severity)
        if reason and reason not in reasons:
            reasons.append(reason)
    for rule in (_unfinished_reset, _faults_beside_the_scheduler, _probe_died):
        severity, reason = rule(incident)
        if severity > worst:
            worst = severity
            reasons.append(reason)
    return Judgement(severity=worst, reasons=tuple(reasons))


def _alone(event: Event, incident: Incident) -> tuple[Severity, str]:
    """The event's severity in the company of the others, and why it is another than its own."""
    return _milder(event, incident) or _graver(event, incident) or (event.severity, "")


def _milder(event: Event, incident: Incident) -> tuple[Severity, str] | None:
    succeeded = incident.of("GPU_RESET_OK", subject=event.subject)
    failed = incident.of("GPU_RESET_FAILED", "DEVICE_LOST", subject=event.subject)
    if event.code == "VRAM_LOST" and succeeded and not failed:
        return Severity.FAIL, "the reset succeeded, what was in VRAM is gone"
    if event.code == power.SMU_HANG and _is_healed(event, incident):
        return Severity.WARN, "the power controller answered again"
    if event.code == bus.AER_NONFATAL and incident.of(bus.RECOVERED):
        return Severity.WARN, "the link recovered"
    return None


def _graver(event: Event, incident: Incident) -> tuple[Severity, str] | None:
    if event.code == mes.NO_RESPONSE and event.severity < Severity.FAIL and _is_burst(event, _MES_BURST):
        return Severity.FAIL, f"{event.count} times without an answer"
    if event.code == bus.IOMMU_FAULT and event.count >= _IOMMU_BURST:
        return Severity.FAIL, f"{event.count} refused accesses"
    if event.code == fault.VM_FAULT_DETAIL and not incident.of(fault.VM_FAULT_USER, fault.VM_FAULT_KERNEL):
        return Severity.WARN, "details of a page fault whose head line is missing"
    return None


def _is_healed(event: Event, incident: Incident) -> bool:
    return event.count <= _MOST_HEALED and bool(incident.of(power.SMU_OK, subject=event.subject))


def _is_burst(event: Event, size: int) -> bool:
    """Whether the messages of this event came that close; each is at most a window away from the one before."""
    gap = event.moment.seconds_until(event.last_moment)
    return event.count >= size and (gap is None or gap <= WINDOW_SECONDS * (event.count / size))


def _unfinished_reset(incident: Incident) -> tuple[Severity, str]:
    for begin in incident.of("GPU_RESET_BEGIN"):
        ends = [
            gap
            for end in incident.of("GPU_RESET_OK", subject=begin.subject)
            for gap in (begin.moment.seconds_until(end.last_moment),)
            if gap is not None and gap >= 0
        ]
        if not ends or min(ends) > RESET_SECONDS:
            return Severity.CRIT, f"the reset of {begin.subject} did not end within {RESET_SECONDS:.0f} s"
    return Severity.INFO, ""


def _faults_beside_the_scheduler(incident: Incident) -> tuple[Severity, str]:
    for vm_fault in incident.of(fault.VM_FAULT_USER):
        for other in incident.events:
            is_scheduler = other.severity >= Severity.WARN and other.code.startswith(_SCHEDULERS)
            is_own = other.subject == vm_fault.subject
            if is_scheduler and is_own and vm_fault.last_moment.is_within(_FAULT_SECONDS, other.moment):
                return Severity.FAIL, "page faults while the scheduler stands still"
    return Severity.INFO, ""


def _probe_died(incident: Incident) -> tuple[Severity, str]:
    if incident.of("BAR_SMALL") and incident.of("PROBE_WARNING"):
        return Severity.CRIT, "the driver gave up after the BAR could not be resized"
    return Severity.INFO, ""
