"""Events that belong together: the first is the cause as far as the log tells, the later ones are its consequences."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from rocmox.health.kernel_log.event import Event, Severity

WINDOW_SECONDS = 60.0
_MOST_EVENTS = 200
_MOST_OPEN = 32


@dataclasses.dataclass(kw_only=True, slots=True)
class Incident:
    """`events` are in the order of the log, messages of one kind folded into their first."""

    subject: str
    events: list[Event]

    @property
    def first(self) -> Event:
        """The first event that says something by itself."""
        return next((event for event in self.events if event.severity >= Severity.WARN), self.events[0])

    @property
    def severity(self) -> Severity:
        """The highest of its events, before escalation."""
        return max(event.severity for event in self.events)

    @property
    def subjects(self) -> list[str]:
        """Everything it happened to, the first one first."""
        return list(dict.fromkeys(event.subject for event in self.events))

    def of(self, *codes: str, subject: str | None = None) -> list[Event]:
        """Its events of these codes."""
        return [event for event in self.events if event.code in codes and subject in {None, event.subject}]

    def is_near(self, event: Event) -> bool:
        """Whether the event happened within the window of this incident."""
        if any(own.last_moment.is_within(WINDOW_SECONDS, event.moment) for own in self.events[-3:]):
            return True
        return self.first.moment.is_within(WINDOW_SECONDS, event.moment)

    def take(self, event: Event) -> None:
        """Adds the event, or counts it with its like."""
        for own in self.events:
            is_alike = (own.code, own.subject, own.severity) == (event.code, event.subject, event.severity)
            if is_alike and (own.detail == event.detail or len(self.events) >= _MOST_EVENTS):
                own.count += event.count
                own.last = event.last_moment
                return
        if len(self.events) < _MOST_EVENTS:
            self.events.append(event)


class Incidents:
    """Sorts events into incidents as they come; closed ones are handed out."""

    def __init__(self) -> None:
        self._open: list[Incident] = []

    def add(self, event: Event) -> Incident | None:
        """The incident the event belongs to; None for a detail of nothing."""
        near = [incident for incident in self._open if incident.is_near(event)]
        own = [incident for incident in near if event.subject in incident.subjects]
        wider = [incident for incident in near if incident.severity >= Severity.FAIL]
        home = own or (wider if event.severity >= Severity.WARN else [])
        if home:
            home[-1].take(event)
            return home[-1]
        if event.severity < Severity.WARN:
            return None
        incident = Incident(subject=event.subject, events=[event])
        self._open.append(incident)
        return incident

    def trouble_near(self, event: Event) -> str | None:
        """The card whose trouble is near; None when none has any."""
        near = [incident for incident in self._open if incident.is_near(event)]
        return near[-1].subject if near else None

    def rename(self, place: str, card: str) -> None:
        """What happened to a place happened to the card that it turned out to belong to."""
        for incident in self._open:
            for event in incident.events:
                if event.subject == place:
                    event.subject, event.detail = card, event.detail or f"reported by {place}"
            incident.subject = card if incident.subject == place else incident.subject

    def close(self, now: Event | None = None) -> Iterator[Incident]:
        """Those that the present event cannot belong to any more; all of them without one."""
        kept: list[Incident] = []
        for incident in self._open:
            is_over = now is None or not incident.is_near(now)
            if is_over:
                yield incident
            else:
                kept.append(incident)
        while len(kept) > _MOST_OPEN:
            yield kept.pop(0)
        self._open = kept
