"""APEI's records: the severity comes first, the device some lines later (drivers/firmware/efi/cper.c)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rocmox.health.kernel_log.event import HOST, Event, Moment, Severity
from rocmox.health.kernel_log.links import Links
from rocmox.health.kernel_log.rules import host

_BURST = 4
_BURST_SECONDS = 60.0
_SECONDARY_BUS = re.compile(r"secondary_bus: 0x([0-9a-f]{2})")


class HardwareRecords:
    """Holds a record's head until its device is known; corrected errors of other devices are not our business."""

    def __init__(self, links: Links) -> None:
        self._links = links
        self._head: Event | None = None
        self._device: str | None = None
        self._corrected: list[Moment] = []

    def take(self, event: Event, source: str | None) -> Iterator[Event]:
        """The events that are decided now."""
        if event.code in {host.APEI_CORRECTED, host.APEI_UNCORRECTED}:
            yield from self.finish()
            self._head = event
        elif event.code != host.APEI_CONTEXT:
            yield event
        elif source:
            self._device = self._device or source
        elif self._device and (match := _SECONDARY_BUS.search(event.line)):
            self._links.learn_bridge(self._device, int(match[1], 16))

    def finish(self) -> Iterator[Event]:
        """The record is complete: a card's, another device's, or the host's own, which counts in bursts."""
        head, device, self._head, self._device = self._head, self._device, None, None
        if head is None:
            return
        card = self._links.card_of(device) if device else None
        if card:
            head.subject, head.detail = card, f"reported by {device}" if device != card else ""
            yield head
        elif head.severity is Severity.CRIT:
            head.subject, head.detail = HOST, f"device {device}" if device else ""
            yield head
        elif not device and self._is_burst(head.moment):
            yield head

    def _is_burst(self, moment: Moment) -> bool:
        recent = [earlier for earlier in self._corrected if earlier.is_within(_BURST_SECONDS, moment)]
        self._corrected = [*recent[-_BURST:], moment]
        return len(self._corrected) >= _BURST
