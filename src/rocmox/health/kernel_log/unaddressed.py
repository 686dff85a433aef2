"""Messages without a PCI address: they belong to the card of the nearest message that names one."""

from __future__ import annotations

from collections.abc import Iterator

from rocmox.health.kernel_log.event import HOST, Event, Moment
from rocmox.health.kernel_log.links import Links

_NEAR_SECONDS = 2.0
_MOST_WAITING = 1000


class Unaddressed:
    """Keeps events until the next message with an address, or until none can be near any more."""

    def __init__(self, links: Links) -> None:
        self._links = links
        self._before: tuple[str, Moment] | None = None
        self._waiting: list[tuple[Event, tuple[str, Moment] | None]] = []

    @property
    def waits(self) -> bool:
        """Whether a message with an address is waited for."""
        return bool(self._waiting)

    def hold(self, event: Event) -> None:
        """The event's subject is decided later."""
        self._waiting.append((event, self._before))

    def see(self, address: str, moment: Moment) -> Iterator[Event]:
        """A message with an address: waiting events near to it are decided."""
        waiting, self._waiting = self._waiting, []
        self._before = (address, moment)
        for event, before in waiting:
            event.subject = self._choose(event, before, (address, moment))
            yield event

    def give_up(self, moment: Moment | None = None) -> Iterator[Event]:
        """Waiting events that are too old for the next message to be near; all of them without a moment."""
        if moment is not None and len(self._waiting) < _MOST_WAITING:
            kept = [entry for entry in self._waiting if entry[0].moment.is_within(_NEAR_SECONDS, moment)]
        else:
            kept = []
        for entry in self._waiting:
            if entry not in kept:
                event, before = entry
                event.subject = self._choose(event, before, None)
                yield event
        self._waiting = kept

    def _choose(self, event: Event, before: tuple[str, Moment] | None, after: tuple[str, Moment] | None) -> str:
        near: list[tuple[float, str]] = []
        for place in (before, after):
            gap = event.moment.seconds_until(place[1]) if place else None
            if place and gap is not None and abs(gap) <= _NEAR_SECONDS:
                near.append((abs(gap), place[0]))
        if near:
            return min(near, key=lambda entry: entry[0])[1]
        return next(iter(self._links.cards)) if len(self._links.cards) == 1 else HOST
