"""The whole log in one verdict."""

from __future__ import annotations

import dataclasses

from rocmox.facts.kernel_log.source import LogSource
from rocmox.health.kernel_log.analysis import Analysis
from rocmox.health.kernel_log.escalate import Judgement, judge
from rocmox.health.kernel_log.event import Event, Severity
from rocmox.health.kernel_log.incident import Incident
from rocmox.health.kernel_log.links import Links
from rocmox.health.kernel_log.words import words_for
from rocmox.health.result import Verdict

# What these say explains what follows them, however mild it is itself.
_CAUSES = ("PCIE_", "RAS_", "THERMAL_", "FW_", "IOMMU_", "BAR_", "HOST_")
VERDICTS = {
    Severity.ATTR: Verdict.PASS,
    Severity.INFO: Verdict.PASS,
    Severity.WARN: Verdict.WARN,
    Severity.FAIL: Verdict.FAIL,
    Severity.CRIT: Verdict.CRIT,
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Finding:
    """One incident, judged."""

    incident: Incident
    judgement: Judgement

    @classmethod
    def of(cls, incident: Incident) -> Finding:
        """Judges it."""
        return cls(incident=incident, judgement=judge(incident))

    @property
    def verdict(self) -> Verdict:
        """After escalation."""
        return VERDICTS[self.judgement.severity]

    @property
    def worst(self) -> Event:
        """The event that says most: the highest, of these the first."""
        return max(self.incident.events, key=lambda event: event.severity)

    @property
    def summary(self) -> str:
        """First cause, what came of it, and why it counts as it does."""
        first, worst = self.incident.first, self.worst
        text = words_for(first.code).meaning + (f" ({first.detail})" if first.detail else "")
        if worst.severity > first.severity:
            text += f"; then {words_for(worst.code).meaning}"
        others = [subject for subject in self.incident.subjects if subject != first.subject]
        if others:
            text += f"; also {', '.join(others[:8])}"
        return "; ".join((text, *self.judgement.reasons))

    @property
    def remedy(self) -> str:
        """What to do: about the first cause when it is bad enough, else about the worst."""
        first = self.incident.first
        is_cause = first.severity is self.worst.severity or first.code.startswith(_CAUSES)
        return words_for((first if is_cause else self.worst).code).remedy


@dataclasses.dataclass(frozen=True, kw_only=True)
class LogReport:
    """`reason` says why the verdict is UNKNOWN; `dropped` incidents were too many to be listed."""

    verdict: Verdict
    findings: tuple[Finding, ...]
    infos: tuple[Event, ...]
    boots: int
    dropped: int
    reason: str = ""


def read_log(source: LogSource, links: Links | None = None) -> LogReport:
    """Reads the source to its end; whatever it holds, there is a report."""
    analysis = Analysis(links)
    scanner = analysis.scanner()
    for candidate in scanner.scan(source):
        analysis.take(candidate)
    analysis.finish()
    reason = "" if scanner.lines_seen else f"{source.name} is empty"
    return report_of(analysis, source.damage or reason)


def report_of(analysis: Analysis, reason: str = "") -> LogReport:
    """What the analysis has found so far; `reason` is why a log without findings says nothing."""
    ordered = sorted(
        analysis.closed, key=lambda entry: (entry.events[0].moment.boot, entry.events[0].moment.offset_bytes)
    )
    findings = tuple(map(Finding.of, ordered))
    worst = max((finding.judgement.severity for finding in findings), default=Severity.INFO)
    verdict = VERDICTS[worst]
    return LogReport(
        verdict=Verdict.UNKNOWN if reason and verdict in {Verdict.PASS, Verdict.WARN} else verdict,
        findings=findings,
        infos=tuple(analysis.infos),
        boots=analysis.boots,
        dropped=analysis.dropped,
        reason=reason,
    )
