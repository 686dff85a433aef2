"""The kernel log of this boot and of the one before says nothing bad about the cards.

A guest sees no log of its own, or the node's: the rules run on the node.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rocmox.errors import CannotLookError
from rocmox.health.boot_logs import JudgedLog, judge_previous_boot, judge_this_boot
from rocmox.health.cards import why_none
from rocmox.health.context import Context
from rocmox.health.kernel_log.findings import Finding
from rocmox.health.result import Evidence, Reporter, Result, Verdict

LEVEL = 1
_MOST_RESULTS = 20
_ORDER = (Verdict.CRIT, Verdict.FAIL, Verdict.WARN)
report = Reporter("kernel_log")


def run(context: Context) -> Iterator[Result]:
    """One result for each incident, the worst first; incidents of the boot before count as warnings."""
    if nothing := why_none(context, report, node_only=True):
        yield nothing
        return
    this = context.read(judge_this_boot)
    if this is None:
        yield report.not_applicable(context.machine.name, "this machine offers no kernel log of its own")
    else:
        yield from _this_boot(this, context.machine.name)
    yield from _boot_before(context)


def _this_boot(log: JudgedLog, machine: str) -> Iterator[Result]:
    if not log.report.findings:
        text = log.report.reason or "no message of this boot is about trouble with a card"
        evidence = [Evidence(source=log.source, value="no incident")]
        if log.report.reason:
            yield report.unknown("KERNEL_LOG_UNREADABLE", machine, text, evidence)
        else:
            yield report.passed("KERNEL_LOG_CLEAN", machine, text, evidence)
    for finding in _worst(log.report.findings):
        yield report(
            finding.verdict,
            f"KERNEL_LOG_{finding.incident.first.code}",
            finding.incident.first.subject,
            finding.summary,
            evidence_of(finding, log.source),
            remedy=finding.remedy,
        )


def _boot_before(context: Context) -> Iterator[Result]:
    try:
        log = context.read(judge_previous_boot)
    except CannotLookError as error:
        summary = f"how the boot before ended is unknown: {error.message}"
        yield report.unknown("KERNEL_LOG_NO_BOOT_BEFORE", context.machine.name, summary, remedy=error.remedy)
        return
    for finding in _worst(log.report.findings) if log else ():
        code = f"KERNEL_LOG_BEFORE_{finding.incident.first.code}"
        summary = f"in the boot before ({finding.verdict.value}): {finding.summary}"
        evidence = evidence_of(finding, log.source) if log else ()
        yield report.warn(code, finding.incident.first.subject, summary, evidence, remedy=finding.remedy)


def _worst(findings: Iterable[Finding]) -> list[Finding]:
    ordered = sorted(findings, key=lambda finding: _ORDER.index(finding.verdict) if finding.verdict in _ORDER else 9)
    return [finding for finding in ordered if finding.verdict in _ORDER][:_MOST_RESULTS]


def evidence_of(finding: Finding, source: str) -> list[Evidence]:
    """The first line of the incident, its worst, and how many there were."""
    lines = dict.fromkeys((finding.incident.first.line, finding.worst.line))
    count = sum(event.count for event in finding.incident.events)
    return [*(Evidence(source=source, value=line) for line in lines), Evidence(source="messages", value=str(count))]
