"""APEI's records: the severity comes first, the device some lines later (drivers/firmware/efi/cper.c)."""

from __future__ import annotations

from collections.abc import Iterator

from rocmox.health.kernel_log.event import HOST, Event, Severity
from rocmox.health.kernel_log.links import Links
from rocmox.health.kernel_log.rules import host

_BURST = 4
_BURST_SECONDS = 60.0


class HardwareRecords:
    """Holds a record's head until its device is known; corrected errors of other devices are not our business."""

    def __init__(self) -> None:
        self._head: Event | None = None
        self._corrected: list[Event] = []

    def take(self, event: Event, source: str | None, links: Links) -> Iterator[Event]:
        """The events that are decided now."""
        if event.code in {host.APEI_CORRECTED, host.APEI_UNCORRECTED}:
            yield from self.finish()
            self._head = event
        elif event.code != host.APEI_CONTEXT:
            yield event
        elif source and self._head:
            yield from self._decide(source, links)

    def finish(self) -> Iterator[Event]:
        """A record without a device: the host's own, corrected ones count when they come in bursts."""
        head, self._head = self._head, None
        if head is None:
            return
        if head.code == host.APEI_UNCORRECTED:
            yield head
            return
        self._corrected = [event for event in self._corrected if event.moment.is_within(_BURST_SECONDS, head.moment)]
        self._corrected = [*self._corrected[-_BURST:], head]
        if len(self._corrected) >= _BURST:
            yield head

    def _decide(self, source: str, links: Links) -> Iterator[Event]:
        head, self._head = self._head, None
        if head is None:
            return
        card = links.card_of(source)
        if card:
            head.subject = card
            yield head
        elif head.severity is Severity.CRIT:
            head.subject, head.detail = HOST, f"device {source}"
            yield head
