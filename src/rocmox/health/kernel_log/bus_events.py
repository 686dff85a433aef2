"""Messages of the bus: whether they concern a card is sometimes known only later, from the card's own words."""

from __future__ import annotations

from collections.abc import Iterator

from rocmox.health.kernel_log.event import Event, Moment, Severity
from rocmox.health.kernel_log.incident import WINDOW_SECONDS
from rocmox.health.kernel_log.links import Links

_MOST_PLACES = 256
# Bridges have this driver or none; everything else that reports an error of its own is another device.
PORT_DRIVERS = frozenset({"", "pcieport", "pci", "vfio-pci", "shpchp", "iommu"})


class BusEvents:
    """Keeps what bridges and unknown devices reported, folded, until a card shows that it is behind them."""

    def __init__(self, links: Links) -> None:
        self._links = links
        self._kept: dict[str, dict[str, Event]] = {}

    def keep(self, event: Event) -> Event | None:
        """Remembers an event of a device that is not known to be a card's; None when it is known to be another's."""
        if self._links.is_elsewhere(event.subject):
            return None
        if event.subject not in self._kept and len(self._kept) >= _MOST_PLACES:
            self._kept.pop(next(iter(self._kept)))
        alike = self._kept.setdefault(event.subject, {})
        own = alike.get(event.code)
        if own and own.last_moment.is_within(WINDOW_SECONDS, event.moment):
            own.count += event.count
            own.last = event.moment
            return own
        alike[event.code] = event
        return event

    def behind(self, card: str) -> Iterator[Event]:
        """What was kept of devices that are now known to be this card's."""
        for address in [place for place in self._kept if self._links.card_of(place) == card]:
            yield from self._release(address, card)

    def near(self, card: str, moment: Moment) -> Iterator[Event]:
        """What ports that may lead anywhere reported within the window of the card's own trouble."""
        for address, alike in list(self._kept.items()):
            latest = [event for event in alike.values() if event.last_moment.is_within(WINDOW_SECONDS, moment)]
            if latest and not self._links.is_elsewhere(address):
                yield from self._release(address, card)

    def _release(self, address: str, card: str) -> Iterator[Event]:
        for event in self._kept.pop(address).values():
            if event.severity >= Severity.WARN:
                event.detail = event.detail or f"reported by {address}"
                event.subject = card
                yield event
