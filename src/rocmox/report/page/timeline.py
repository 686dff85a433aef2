"""The incidents of the kernel log in their order: this boot's, and below them those of the boot before."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element

from rocmox.errors import CannotLookError
from rocmox.facts.kernel_log import Clock
from rocmox.health.boot_logs import JudgedLog, judge_previous_boot, judge_this_boot
from rocmox.health.context import Context
from rocmox.health.kernel_log.event import Event
from rocmox.health.kernel_log.findings import VERDICTS, Finding
from rocmox.health.result import Verdict
from rocmox.report.markup import node
from rocmox.report.page.marks import badge, kind

_MOST = 60
_BOOTS = (("This boot", judge_this_boot), ("The boot before", judge_previous_boot))


def timeline_section(context: Context) -> Element:
    """Incidents, or why there are none; a guest's kernel log is its node's."""
    heading = node("h2", "Incidents")
    if context.is_container:
        told = node("p", "A guest has no kernel log of its own; look at the host's.", class_="reason")
        return node("section", heading, told, id="incidents")
    parts = []
    for title, reader in _BOOTS:
        try:
            log = context.read(reader)
        except CannotLookError as error:
            parts.append(_boot(title, error.message, ()))
            continue
        parts.append(_boot(title, _words(log), _bad(log)))
    return node("section", heading, *parts, id="incidents")


def _words(log: JudgedLog | None) -> str:
    if log is None:
        return "This machine offers no log of it."
    return log.report.reason or f"No trouble with a card. Read from {log.source}."


def _bad(log: JudgedLog | None) -> list[Finding]:
    return [one for one in log.report.findings if one.verdict is not Verdict.PASS] if log else []


def _boot(title: str, words: str, findings: Sequence[Finding]) -> Element:
    heading = node("h3", title)
    if not findings:
        return node("div", heading, node("p", words, class_="reason"))
    more = node("p", f"and {len(findings) - _MOST} more", class_="reason") if len(findings) > _MOST else None
    return node("div", heading, node("ol", *map(_incident, findings[:_MOST]), class_="timeline"), more)


def _incident(finding: Finding) -> Element:
    first = finding.incident.first
    head = node(
        "div",
        node("time", _moment(first)),
        badge(finding.verdict),
        node("code", first.code, class_="code"),
        node("code", first.subject, class_="subject"),
        class_="title",
    )
    rows = [_event(event) for event in finding.incident.events]
    count = sum(event.count for event in finding.incident.events)
    folded = node("summary", f"{count} messages, the first cause first" if count > 1 else "The message")
    events = node("details", folded, node("ol", *rows, class_="events"))
    return node("li", head, node("p", finding.summary), events, class_=kind(finding.verdict))


def _moment(event: Event) -> str:
    """Wall clock as it stood in the log; seconds after boot where the log counts them."""
    stamp = event.moment.stamp
    if stamp is None:
        return "time unknown"
    return f"{stamp.seconds:.1f} s after boot" if stamp.clock is Clock.BOOT else stamp.text


def _event(event: Event) -> Element:
    times = f" x{event.count}" if event.count > 1 else ""
    verdict = VERDICTS[event.severity]
    label = node("span", f"{event.severity.label} {event.code}{times}", class_=f"severity {kind(verdict)}")
    return node("li", label, node("code", event.line))
