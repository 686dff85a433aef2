"""A built tree by its cards: where each has its directory, its node and its bridges."""

from __future__ import annotations

from rocmox_lab.gpus.changes import Changes

_DEVICES = "/sys/bus/pci/devices"
NODES = "/sys/class/kfd/kfd/topology/nodes"


class TreeView:
    """The cards of a tree by PCI address, and the changes made to it."""

    def __init__(self, changes: Changes) -> None:
        self.changes = changes
        names = changes.names(_DEVICES)
        self.cards = [name for name in names if "mem_info_vram_total" in changes.names(f"{_DEVICES}/{name}")]

    def device(self, card: int, name: str = "") -> str:
        """A file of the card's PCI directory."""
        return f"{_DEVICES}/{self.cards[card]}/{name}".rstrip("/")

    def function(self, address: str, name: str) -> str:
        """A file of any PCI function."""
        return f"{_DEVICES}/{address}/{name}"

    def bridges(self, card: int) -> list[str]:
        """Addresses of the bridges above a card, the root port first."""
        parts = self.changes.resolve(self.device(card)).split("/")
        return [part for part in parts[:-1] if part.count(":") == 2]  # noqa: PLR2004 - domain:bus:device.function

    def node(self, card: int, name: str = "") -> str:
        """A file of the card's KFD node: nodes stand in the order of the cards, after the processor's."""
        return f"{NODES}/{card + 1}/{name}".rstrip("/")

    def hwmon(self, card: int, name: str) -> str:
        """A file of the card's sensors."""
        (folder,) = self.changes.names(self.device(card, "hwmon"))
        return self.device(card, f"hwmon/{folder}/{name}")

    def minor(self, card: int, kind: str) -> str:
        """The link of the card's minor in /sys/class/drm: kind is `card` or `renderD`."""
        names = self.changes.names(self.device(card, "drm"))
        return next(f"/sys/class/drm/{name}" for name in names if name.startswith(kind))

    def drop_links(self, *, source: int | None = None, destination: int | None = None) -> None:
        """Take away the peer-to-peer links of the cards, those from one card or those to one card."""
        for card in range(len(self.cards)):
            if source is not None and card != source:
                continue
            dropped = 0
            for name in self.changes.names(self.node(card, "p2p_links")):
                link = self.node(card, f"p2p_links/{name}")
                text = self.changes.read(f"{link}/properties")
                if destination is None or f"node_to {destination + 1}" in text.splitlines():
                    self.changes.remove(link)
                    dropped += 1
            if dropped:
                self._count_links(card)

    def _count_links(self, card: int) -> None:
        count = len(self.changes.names(self.node(card, "p2p_links")))
        self.set_property(card, "p2p_links_count", count)

    def set_property(self, card: int, key: str, value: int) -> None:
        """One line of the card's KFD properties."""
        path = self.node(card, "properties")
        lines = [
            f"{key} {value}" if line.startswith(f"{key} ") else line for line in self.changes.read(path).splitlines()
        ]
        self.changes.write(path, "\n".join(lines))

    def property(self, card: int, key: str) -> int:
        """The value of one line of the card's KFD properties."""
        lines = self.changes.read(self.node(card, "properties")).splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(f"{key} "))
