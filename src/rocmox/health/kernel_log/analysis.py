"""Reads a log line by line and keeps what matters: one pass, memory bounded by the number of incidents kept."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator

from rocmox.facts.kernel_log import Candidate, LogLine, Scanner, parse_line
from rocmox.health.kernel_log.boots import BootWatch
from rocmox.health.kernel_log.bus_events import PORT_DRIVERS, BusEvents
from rocmox.health.kernel_log.classify import Meaning, classify
from rocmox.health.kernel_log.escalate import judge
from rocmox.health.kernel_log.event import HOST, Event, Moment, Severity
from rocmox.health.kernel_log.gate import SIEVES, Gate
from rocmox.health.kernel_log.incident import Incident, Incidents
from rocmox.health.kernel_log.links import Links
from rocmox.health.kernel_log.prefilter import LITERALS
from rocmox.health.kernel_log.records import HardwareRecords
from rocmox.health.kernel_log.rules import fault, mes
from rocmox.health.kernel_log.unaddressed import Unaddressed

MOST_INCIDENTS = 1000  # of each severity
_MOST_INFOS = 50
_STATUS = re.compile(fault.VM_FAULT_STATUS)
_LONGEST_REST_BYTES = 200


class Analysis:
    """Feed it candidates in the order of the log, then `finish`; `on_event` and `on_incident` hear what happens."""

    def __init__(
        self,
        links: Links | None = None,
        *,
        on_event: Callable[[Event], None] = lambda _: None,
        on_incident: Callable[[Incident], None] = lambda _: None,
    ) -> None:
        self._links = links or Links()
        self._on_event = on_event
        self._on_incident = on_incident
        self._incidents = Incidents()
        self._unaddressed = Unaddressed(self._links)
        self._bus = BusEvents(self._links)
        self._records = HardwareRecords(self._links)
        self.gate = Gate()
        self._line = b""
        self._boot = 0
        self._boots = BootWatch()
        self.closed: list[Incident] = []
        self.infos: list[Event] = []
        self.dropped = 0
        self._kept: dict[Severity, int] = {}

    def scanner(self) -> Scanner:
        """What finds this analysis' candidates."""
        return Scanner(LITERALS, self.gate.gates, SIEVES)

    def take(self, candidate: Candidate) -> None:
        """One line that holds one of the prefilter's literals."""
        self._line = candidate.line
        line = parse_line(candidate.line.decode(errors="replace"))
        if not line.is_kernel and not line.raw.startswith("-- "):
            self.gate.ignore(candidate.line)
            return
        meaning = classify(line)
        if candidate.following and _may_go_on(candidate, meaning):
            line, meaning = _joined(line, meaning, candidate)
        self._watch_boots(line)
        moment = Moment(boot=self._boot, stamp=line.stamp, offset_bytes=candidate.offset_bytes)
        card = self._learn(line)
        if card:
            for switch in self._links.own_switches(card):
                self._incidents.rename(switch, card)
            self._admit(self._bus.behind(card))
            self._admit(self._unaddressed.see(card, moment))
        if meaning:
            self._meaning(meaning, line, moment)
        elif not card:
            self.gate.ignore(candidate.line)
        self.gate.attentive = self._unaddressed.waits

    def finish(self) -> None:
        """Nothing follows: what was waiting is decided, and every incident is closed."""
        self._admit(self._unaddressed.give_up())
        self._admit(self._records.finish())
        self._close(self._incidents.close())

    def settle(self) -> None:
        """Nothing followed for a while (follow mode): what waits for a neighbouring line is decided."""
        self._admit(self._unaddressed.give_up())
        self._admit(self._records.finish())

    def _learn(self, line: LogLine) -> str | None:
        known = self._links.size
        card = self._links.learn(line)
        if self._links.size != known:
            self._recall()
            self.gate.forget()
        return card

    def _recall(self) -> None:
        """What the gate has counted of kept events goes into them."""
        for repeat in self.gate.repeats.values():
            if repeat.count:
                line = parse_line(repeat.line.decode(errors="replace"))
                repeat.event.count += repeat.count
                repeat.event.last = Moment(
                    boot=self._boot, stamp=line.stamp, offset_bytes=repeat.event.last_moment.offset_bytes
                )
                repeat.count = 0

    def _meaning(self, meaning: Meaning, line: LogLine, moment: Moment) -> None:
        event = Event(
            code=meaning.code,
            severity=meaning.severity,
            subject=line.address or HOST,
            moment=moment,
            line=line.raw,
            detail=meaning.detail,
        )
        if meaning.is_host:
            self._admit(self._records.take(event, meaning.source))
        elif meaning.is_bus:
            self._bus_event(event, meaning, line)
        elif line.address:
            self._admit([event])
        else:
            self._admit(self._unaddressed.give_up(moment))
            self._look_back(moment)
            self._unaddressed.hold(event)

    def _look_back(self, moment: Moment) -> None:
        """The last line with an address that the gate held back is a neighbour, too."""
        passed, self.gate.passed = self.gate.passed, None
        line = parse_line(passed.decode(errors="replace")) if passed else None
        if line and line.address:
            before = dataclasses.replace(moment, stamp=line.stamp)
            self._admit(self._unaddressed.see(line.address, before))

    def _bus_event(self, event: Event, meaning: Meaning, line: LogLine) -> None:
        places = [place for place in (meaning.source, line.address) if place]
        card = next((found for place in places if (found := self._links.card_of(place))), None)
        if card:
            if not event.detail and line.address and line.address != card:
                event.detail = f"reported by {line.address}"
            event.subject = card
            self._admit([event])
            return
        if line.driver not in PORT_DRIVERS or not places or event.severity < Severity.WARN:
            self.gate.ignore(self._line)
            return
        event.subject = line.address or places[0]
        if meaning.code.startswith("IOMMU"):
            event.subject = places[0]
        elif not self._links.is_elsewhere(event.subject) and (trouble := self._incidents.trouble_near(event)):
            event.detail, event.subject = f"reported by {event.subject}", trouble
            self._admit([event])
            return
        kept = self._bus.keep(event)
        if kept:
            self.gate.repeat(self._line, kept)
        else:
            self.gate.ignore(self._line)

    def _admit(self, events: Iterator[Event] | list[Event]) -> None:
        for event in events:
            if event.severity is Severity.INFO:
                if len(self.infos) < _MOST_INFOS:
                    self.infos.append(event)
                continue
            if event.code == fault.VM_FAULT_DETAIL and _STATUS.search(event.line):
                event.severity = Severity.ATTR
            self._admit_one(event)

    def _admit_one(self, event: Event) -> None:
        self._close(self._incidents.close(event))
        if event.severity >= Severity.WARN or event.code == "PCIE_CTX":
            self._recall()
            for port_event in list(self._bus.near(event.subject, event.moment)):
                self._enter(port_event)
        self._enter(event)

    def _enter(self, event: Event) -> None:
        if self._incidents.add(event) is None and _is_orphan(event):
            event.severity = Severity.WARN
            self._incidents.add(event)
        if event.severity >= Severity.WARN:
            self._on_event(event)

    def _close(self, incidents: Iterator[Incident]) -> None:
        for incident in incidents:
            self._on_incident(incident)
            severity = judge(incident).severity
            self._kept[severity] = self._kept.get(severity, 0) + 1
            if self._kept[severity] <= MOST_INCIDENTS:
                self.closed.append(incident)
            else:
                self.dropped += 1

    def _watch_boots(self, line: LogLine) -> None:
        if self._boots.begins(line):
            self._admit(self._unaddressed.give_up())
            self._admit(self._records.finish())
            self._close(self._incidents.close())
            self._recall()
            self.gate.forget()
            self._boot += 1

    @property
    def boots(self) -> int:
        """How many times the machine started within the log, at least once."""
        return self._boot + 1


def _is_orphan(event: Event) -> bool:
    """Details of a fault whose head line the ring buffer has lost."""
    return event.code == fault.VM_FAULT_DETAIL and bool(_STATUS.search(event.line))


def _may_go_on(candidate: Candidate, meaning: Meaning | None) -> bool:
    """Whether the following line may be the rest of this one: it does not begin as this one does."""
    if meaning and not (meaning.code == mes.NO_RESPONSE and not meaning.detail):
        return False
    here, there = candidate.line.lstrip(b"> |\t"), candidate.following.lstrip(b"> |\t")
    return bool(there) and here[:1] != there[:1] and len(there) < _LONGEST_REST_BYTES


def _joined(line: LogLine, meaning: Meaning | None, candidate: Candidate) -> tuple[LogLine, Meaning | None]:
    rest = parse_line(candidate.following.decode(errors="replace"))
    if rest.is_prefixed or rest.driver or rest.is_drm:
        return line, meaning
    whole = parse_line(f"{line.raw} {rest.raw.lstrip('> |')}")
    whole = dataclasses.replace(whole, stamp=line.stamp or whole.stamp, boot=line.boot)
    return whole, classify(whole) or meaning
