"""The machines the lab can imitate: which cards, behind which bridges, on which kernel.

Every figure is constructed. `mi50x3` follows the first reference machine: three cards on an X99 board, one slot x16 and
two x8, one card flashed to another VBIOS, and a BMC whose VGA function takes card0.
"""

from __future__ import annotations

import dataclasses

from rocmox.errors import UsageError
from rocmox_lab.gpus.models import MI50, W7900, Model


@dataclasses.dataclass(frozen=True, kw_only=True)
class Switch:
    """A PCIe switch on the board: its upstream port and the downstream port of one card."""

    upstream: str
    downstream: str
    ids: tuple[int, int] = (0x10B5, 0x8747)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Card:
    """A card in a slot: `first_bus` is its switch's upstream port, +1 the downstream port, +2 the card."""

    model: Model
    root_port: str
    root_port_id: tuple[int, int]
    first_bus: int
    slot_speed: str
    slot_width: int
    unique_id: int
    vbios: str
    power_cap_microwatts: int
    pci_class: int
    connectors: tuple[str, ...] = ()
    switch: Switch | None = None

    @property
    def address(self) -> str:
        """PCI address of the card's function 0."""
        return f"0000:{self.first_bus + 2:02x}:00.0"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Processor:
    """What `/proc/cpuinfo` says of the processor."""

    vendor: str
    family: int
    model: int
    name: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Board:
    """The machine around the cards."""

    host_bridge_id: tuple[int, int]
    logical_processors: int
    processor_mhz: int
    memory_bytes: int
    has_bmc_display: bool
    iommu_words: str
    processor: Processor


@dataclasses.dataclass(frozen=True, kw_only=True)
class Profile:
    """A board and its cards, in the order in which the kernel finds them."""

    name: str
    board: Board
    cards: tuple[Card, ...]

    @property
    def first_card_minor(self) -> int:
        """The DRM minor of the first AMD card: the BMC's display driver comes before."""
        return 1 if self.board.has_bmc_display else 0


_X99 = Board(
    host_bridge_id=(0x8086, 0x2F00),
    logical_processors=20,
    processor_mhz=3500,
    memory_bytes=128 << 30,
    has_bmc_display=True,
    iommu_words="intel_iommu=on iommu=pt",
    processor=Processor(vendor="GenuineIntel", family=6, model=63, name="Intel(R) Xeon(R) CPU E5-2666 v3 @ 2.90GHz"),
)
_EPYC = Board(
    host_bridge_id=(0x1022, 0x14A4),
    logical_processors=32,
    processor_mhz=3675,
    memory_bytes=256 << 30,
    has_bmc_display=False,
    iommu_words="iommu=pt",
    processor=Processor(vendor="AuthenticAMD", family=25, model=17, name="AMD EPYC 9124 16-Core Processor"),
)
_MI50_VBIOS = "113-D1631400-111"
_PRO_VII_VBIOS = "113-D163A1XT-045"


def _mi50(root_port: str, device: int, first_bus: int, width: int, unique_id: int, *, flashed: bool = False) -> Card:
    return Card(
        model=MI50,
        root_port=root_port,
        root_port_id=(0x8086, device),
        first_bus=first_bus,
        slot_speed="8.0 GT/s PCIe",
        slot_width=width,
        unique_id=unique_id,
        vbios=_PRO_VII_VBIOS if flashed else _MI50_VBIOS,
        power_cap_microwatts=190_000_000 if flashed else 225_000_000,
        pci_class=0x030000 if flashed else 0x038000,
        connectors=("DP-1",) if flashed else (),
    )


def _mi50_behind_switch(number: int) -> Card:
    """One of eight cards in pairs, each pair behind a switch of its own."""
    pair, side = divmod(number, 2)
    first_bus = 0x10 + 0x10 * pair
    card = _mi50(f"0000:00:0{pair + 1}.1", 0, first_bus + 2 + 3 * side, 16, 0x7A00000000000001 + number)
    switch = Switch(upstream=f"0000:{first_bus:02x}:00.0", downstream=f"0000:{first_bus + 1:02x}:{8 * side:02x}.0")
    return dataclasses.replace(card, root_port_id=(0x1022, 0x14AB), switch=switch)


def _w7900(root_port: str, first_bus: int, unique_id: int) -> Card:
    return Card(
        model=W7900,
        root_port=root_port,
        root_port_id=(0x1022, 0x14AB),
        first_bus=first_bus,
        slot_speed="16.0 GT/s PCIe",
        slot_width=16,
        unique_id=unique_id,
        vbios="113-D7070100-123",
        power_cap_microwatts=241_000_000,
        pci_class=0x030000,
        connectors=("DP-1", "DP-2", "DP-3", "DP-4"),
    )


PROFILES = {
    "mi50x3": Profile(
        name="mi50x3",
        board=_X99,
        cards=(
            _mi50("0000:00:01.0", 0x2F02, 0x01, 8, 0x1A5C9E3072D4860F),
            _mi50("0000:00:02.0", 0x2F04, 0x04, 16, 0x2B6D0F4183E59710),
            _mi50("0000:00:03.0", 0x2F08, 0x07, 8, 0x3C7E105294F6A821, flashed=True),
        ),
    ),
    "mi50x1": Profile(
        name="mi50x1",
        board=dataclasses.replace(_X99, has_bmc_display=False, logical_processors=12, memory_bytes=32 << 30),
        cards=(_mi50("0000:00:02.0", 0x2F04, 0x01, 16, 0x4D8F2163A507B932),),
    ),
    "w7900x2": Profile(
        name="w7900x2",
        board=_EPYC,
        cards=(
            _w7900("0000:00:01.1", 0x01, 0x5E903274B618CA43),
            _w7900("0000:00:03.1", 0xC1, 0x6FA14385C729DB54),
        ),
    ),
    "mi50x8": Profile(name="mi50x8", board=_EPYC, cards=tuple(map(_mi50_behind_switch, range(8)))),
    "none": Profile(name="none", board=dataclasses.replace(_X99, has_bmc_display=False), cards=()),
}


def profile_named(name: str) -> Profile:
    """The profile of that name; UsageError names those that exist."""
    if name not in PROFILES:
        raise UsageError(f"{name!r} is not a GPU profile of the lab", remedy=f"Choose one of: {', '.join(PROFILES)}.")
    return PROFILES[name]
