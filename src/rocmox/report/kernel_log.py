"""What a kernel log says, as JSON, as text, and line by line while it grows."""

from __future__ import annotations

import json
from typing import Any

from rocmox.health.kernel_log.event import Event
from rocmox.health.kernel_log.findings import Finding, LogReport
from rocmox.health.kernel_log.words import words_for
from rocmox.report.table import render_table

SCHEMA_VERSION = 1
_MOST_ROWS = 100
_LINE_CHARACTERS = 160


def event_to_json(event: Event) -> dict[str, Any]:
    """`count` messages of the same kind until `last_time` are folded into this one."""
    return {
        "code": event.code,
        "severity": event.severity.label,
        "subject": event.subject,
        "time": event.time,
        "line": event.line,
        "detail": event.detail,
        "count": event.count,
        "last_time": event.last_moment.stamp.text if event.last_moment.stamp else None,
        "boot": event.moment.boot,
    }


def finding_to_json(finding: Finding) -> dict[str, Any]:
    """One incident: its first event is the cause, all of them in the order of the log."""
    return {
        "first": event_to_json(finding.incident.first),
        "events": [event_to_json(event) for event in finding.incident.events],
        "subject": finding.incident.first.subject,
        "subjects": finding.incident.subjects,
        "verdict": finding.verdict.value,
        "summary": finding.summary,
        "remedy": finding.remedy,
    }


def to_json(report: LogReport) -> dict[str, Any]:
    """The document of `rocmox kernel-log --json`."""
    incidents = [finding_to_json(finding) for finding in report.findings]
    return {
        "schema_version": SCHEMA_VERSION,
        "verdict": report.verdict.value,
        "reason": report.reason,
        "boots": report.boots,
        "events": [
            *(event for incident in incidents for event in incident["events"]),
            *map(event_to_json, report.infos),
        ],
        "incidents": incidents,
        "incidents_not_listed": report.dropped,
    }


def to_text(report: LogReport) -> str:
    """A table of incidents, what to do about them, and the verdict."""
    lines: list[str] = []
    if report.findings:
        rows = [_row(finding) for finding in report.findings[:_MOST_ROWS]]
        lines.append(render_table(("verdict", "time", "subject", "first", "events", "summary"), rows))
        hidden = len(report.findings) - len(rows) + report.dropped
        if hidden:
            lines.append(f"and {hidden} more incidents; --json lists them")
        remedies = dict.fromkeys(f"{finding.incident.first.code}: {finding.remedy}" for finding in report.findings)
        lines += list(remedies)[:_MOST_ROWS]
    elif not report.reason:
        lines.append("no message in it reports trouble with an AMD card")
    if report.reason:
        lines.append(report.reason)
    return "\n".join((*lines, f"verdict: {report.verdict.value}"))


def event_line(event: Event, *, as_json: bool) -> str:
    """One line for an event that was just seen."""
    if as_json:
        return json.dumps({"schema_version": SCHEMA_VERSION, "event": event_to_json(event)}, ensure_ascii=False)
    shown = "".join(character if character.isprintable() else " " for character in event.line)[:_LINE_CHARACTERS]
    when = f"{event.time} " if event.time else ""
    return f"{event.severity.name} {event.code} {event.subject} {when}{words_for(event.code).meaning}: {shown}"


def incident_line(finding: Finding, *, as_json: bool) -> str:
    """One line for an incident that is over."""
    if as_json:
        document = {"schema_version": SCHEMA_VERSION, "incident": finding_to_json(finding)}
        return json.dumps(document, ensure_ascii=False)
    first = finding.incident.first
    return f"{finding.verdict.value} INCIDENT {first.subject} {first.code}: {finding.summary}"


def _row(finding: Finding) -> tuple[str, ...]:
    first = finding.incident.first
    count = sum(event.count for event in finding.incident.events)
    return (finding.verdict.value, first.time or "-", first.subject, first.code, str(count), finding.summary)
