"""Which devices are AMD cards, and which ports lead to them: from the machine, or from what the log itself says."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping

from rocmox.facts.kernel_log import LogLine

_BRIDGE = re.compile(r"PCI bridge to \[bus ([0-9a-f]{2})(?:-([0-9a-f]{2}))?\]")
# Display controllers of AMD: class 03 (0380 on cards without outputs); processing accelerators are class 12.
_BUSES_OF_A_SWITCH = 2
_DISPLAY = re.compile(r"\[1002:[0-9a-f]{4}\].* class 0x(?:03|12)")
# aer.c: the port on a card's own switch reports an error with its vendor's id.
_SWITCH = re.compile(r"(?:AER: )?device \[1002:[0-9a-f]{4}\] error status/mask")
# The module vendor-reset signs with the card's family.
_VENDOR_RESET = re.compile(r"AMD_(?:VEGA|NAVI|POLARIS)\w*:")


@dataclasses.dataclass(kw_only=True)
class Links:
    """`ports` maps bridges to the cards below, `buses` is what bridges lead to, `switches` are cards' own ports."""

    cards: set[str] = dataclasses.field(default_factory=set)
    ports: dict[str, str] = dataclasses.field(default_factory=dict)
    buses: dict[str, tuple[int, int]] = dataclasses.field(default_factory=dict)
    switches: set[str] = dataclasses.field(default_factory=set)

    @classmethod
    def of_machine(cls, bridges_of_cards: Mapping[str, tuple[str, ...]]) -> Links:
        """Card → the bridges above it."""
        ports = {bridge: card for card, bridges in bridges_of_cards.items() for bridge in bridges}
        return cls(cards=set(bridges_of_cards), ports=ports)

    @property
    def size(self) -> int:
        """Grows with everything that is learnt."""
        return len(self.cards) + len(self.buses) + len(self.switches)

    def learn(self, line: LogLine) -> str | None:
        """Takes in what the line says of the topology; the card's address when it names one."""
        if line.driver == "amdgpu" and line.address:
            self.cards.add(line.address)
            return line.address
        if line.address is None:
            return None
        if match := _BRIDGE.match(line.words):
            first = int(match[1], 16)
            self.buses[line.address] = (first, int(match[2], 16) if match[2] else first)
        elif _SWITCH.match(line.words) and line.driver in {"pcieport", "pci"}:
            self.switches.add(line.address)
            return self.card_of(line.address)
        elif (line.driver == "pci" and _DISPLAY.match(line.words)) or (
            line.driver == "vfio-pci" and _VENDOR_RESET.match(line.words)
        ):
            self.cards.add(line.address)
            return line.address
        return None

    def card_of(self, address: str) -> str | None:
        """The card that this device is, whose sound it is, or to which it leads; None for every other device.

        Further functions beside a card may be anything: beside an integrated GPU they are USB controllers of the board.
        """
        if address in self.cards:
            return address
        if address in self.ports:
            return self.ports[address]
        sound_of = f"{address.removesuffix('.1')}.0"
        if address.endswith(".1") and sound_of in self.cards:
            return sound_of
        if address in self.buses:
            first, last = self.buses[address]
            domain = address.rpartition(":")[0].rpartition(":")[0]
            below = [
                card for card in sorted(self.cards) if card.startswith(f"{domain}:") and first <= _bus(card) <= last
            ]
            if below:
                return below[0]
        if address not in self.switches:
            return None
        return self._above(address) or address

    def _above(self, switch: str) -> str | None:
        """The card on whose switch this port is."""
        bus, domain = _bus(switch), switch.partition(":")[0]
        below = [card for card in sorted(self.cards) if card.startswith(f"{domain}:")]
        return next((card for card in below if 0 < _bus(card) - bus <= _BUSES_OF_A_SWITCH), None)

    def own_switches(self, card: str) -> list[str]:
        """The ports of this card's own switch that reported something."""
        return [switch for switch in sorted(self.switches) if self._above(switch) == card]

    def learn_bridge(self, address: str, secondary_bus: int) -> None:
        """A bridge whose end is unknown: the bus below it, and those of a card's own switch."""
        self.buses.setdefault(address, (secondary_bus, secondary_bus + _BUSES_OF_A_SWITCH))

    def is_elsewhere(self, address: str) -> bool:
        """Whether this bridge is known to lead to no card."""
        return address in self.buses and self.card_of(address) is None


def _bus(address: str) -> int:
    return int(address.split(":")[1], 16)
