"""One card, known by all its names: PCI address = cardN = renderDN = KFD node = unique id."""

from __future__ import annotations

import dataclasses

from rocmox.facts.pci import Link
from rocmox.gpu.catalogue import integrated_architectures


@dataclasses.dataclass(frozen=True, kw_only=True)
class Gpu:
    """An AMD GPU of a machine. What is None stands in `unknown` with the reason.

    `link` is the slowest of the card's own link and those of the bridges above it: Vega 20 and Navi carry a switch, and
    their own link is the inner one, which says nothing about the slot. `path_links` are all of them, root port first,
    `bridges` the addresses above the card.
    `gpu_id` is KFD's number for the card, by which it accounts a process's VRAM.
    """

    pci_address: str
    device_id: str
    subsystem_id: str | None
    model: str | None
    architecture: str | None
    compute_units: int | None
    card: int | None
    render: int | None
    kfd_node: int | None
    gpu_id: int | None
    unique_id: str | None
    vram_bytes: int | None
    visible_vram_bytes: int | None
    vram_vendor: str | None
    vbios: str | None
    driver: str | None
    link: Link | None
    path_links: tuple[Link, ...]
    bridges: tuple[str, ...]
    numa_node: int | None
    connected_displays: tuple[str, ...]
    unknown: dict[str, str]

    @property
    def is_integrated(self) -> bool:
        """Whether this is an integrated GPU."""
        return self.architecture in integrated_architectures()

    @property
    def possible_link(self) -> tuple[float, int] | None:
        """GT/s and lanes that the weakest port on the way allows; None when no link is known."""
        if not self.path_links:
            return None
        return min(link.max_speed_gts for link in self.path_links), min(link.max_width for link in self.path_links)

    @property
    def card_path(self) -> str | None:
        """Its `/dev/dri/cardN`; the number may change at the next boot."""
        return None if self.card is None else f"/dev/dri/card{self.card}"

    @property
    def render_path(self) -> str | None:
        """Its `/dev/dri/renderDN`, the one that compute needs; the number may change at the next boot."""
        return None if self.render is None else f"/dev/dri/renderD{self.render}"
