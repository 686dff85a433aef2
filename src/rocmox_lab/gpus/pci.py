"""PCI functions below `/sys/devices/pci0000:00`, with their links in `/sys/bus/pci` (drivers/pci/pci-sysfs.c)."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from rocmox_lab.gpus.config_space import ACS_ENABLED, config_space
from rocmox_lab.gpus.profiles import Board, Card, Profile
from rocmox_lab.gpus.tree import Tree

_AMD_GRAPHICS = 0x1002
_BRIDGE_CLASS = 0x060400
_VGA_CLASS = 0x030000
_FIRST_BAR = 0x100_0000_0000  # 1 TiB: above 4 GiB, below the 44 bits that amdgpu's DMA mask allows
_EMPTY_BAR = (0, 0, 0)
# Speed and width as trained, speed and width as possible.
Link = tuple[str, int, str, int]
_INNER: Link = ("16.0 GT/s PCIe", 16, "16.0 GT/s PCIe", 16)
_PREFETCHABLE_64_BIT = 0x14220C
_AER_CORRECTABLE = ("RxErr", "BadTLP", "BadDLLP", "Rollover", "Timeout", "NonFatalErr", "CorrIntErr", "HeaderOF")
_AER_UNCORRECTABLE = (
    *("Undefined", "DLP", "SDES", "TLP", "FCP", "CmpltTO", "CmpltAbrt", "UnxCmplt", "RxOF", "MalfTLP", "ECRC"),
    *("UnsupReq", "ACSViol", "UncorrIntErr", "BlockedTLP", "AtomicOpBlocked", "TLPBlockedErr", "PoisonTLPBlocked"),
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Function:
    """One PCI function: where it hangs, what it is, and how its link trained."""

    parent: str
    address: str
    vendor: int
    device: int
    pci_class: int
    subsystem: tuple[int, int] = (0, 0)
    revision: int = 0
    driver: str = ""
    link: Link | None = None
    bars: tuple[tuple[int, int, int], ...] = ()
    iommu_group: int = 0
    acs_control: int | None = None
    bar_sizes: int = 0

    @property
    def path(self) -> str:
        """Its directory below `/sys/devices`."""
        return f"{self.parent}/{self.address}"


def write_pci(tree: Tree, profile: Profile) -> dict[str, str]:
    """Host bridge, root ports, the cards' switches and the cards; returns card address → device directory."""
    root = "/sys/devices/pci0000:00"
    vendor, device = profile.board.host_bridge_id
    write_function(
        tree, Function(parent=root, address="0000:00:00.0", vendor=vendor, device=device, pci_class=0x060000)
    )
    places: dict[str, str] = {}
    bridges: dict[str, str] = {}
    for index, card in enumerate(profile.cards):
        places[card.address] = _write_card(tree, profile.board, card, index, bridges)
    return places


def write_function(tree: Tree, function: Function) -> str:
    """One function's directory, its links on the bus, driver and IOMMU group; returns the directory."""
    path = function.path
    tree.files(path, _identity(function))
    tree.files(path, _state(function))
    space = config_space(
        ids=(function.vendor, function.device),
        pci_class=function.pci_class,
        revision=function.revision,
        is_bridge=function.pci_class == _BRIDGE_CLASS,
        acs_control=function.acs_control,
        bar_sizes=function.bar_sizes,
    )
    tree.file(f"{path}/config", space)
    if function.link:
        _write_link(tree, path, function.link)
    tree.link(f"/sys/bus/pci/devices/{function.address}", path)
    tree.link(f"{path}/subsystem", "/sys/bus/pci")
    if function.driver:
        tree.link(f"{path}/driver", f"/sys/bus/pci/drivers/{function.driver}")
        tree.link(f"/sys/bus/pci/drivers/{function.driver}/{function.address}", path)
    group = f"/sys/kernel/iommu_groups/{function.iommu_group}"
    tree.file(f"{group}/type", "identity")
    tree.link(f"{group}/devices/{function.address}", path)
    tree.link(f"{path}/iommu_group", group)
    return path


def _write_link(tree: Tree, path: str, link: Link) -> None:
    """Speed and width as trained and as possible, and the port's error counters (drivers/pci/pcie/aer.c)."""
    names = ("current_link_speed", "current_link_width", "max_link_speed", "max_link_width")
    tree.files(path, {name: str(value) for name, value in zip(names, link, strict=True)})
    for kind, errors, total in (
        ("correctable", _AER_CORRECTABLE, "COR"),
        ("fatal", _AER_UNCORRECTABLE, "FATAL"),
        ("nonfatal", _AER_UNCORRECTABLE, "NONFATAL"),
    ):
        tree.file(f"{path}/aer_dev_{kind}", "\n".join(f"{name} 0" for name in (*errors, f"TOTAL_ERR_{total}")))


def _write_card(tree: Tree, board: Board, card: Card, index: int, written: dict[str, str]) -> str:
    group = 10 + 8 * index
    parent = "/sys/devices/pci0000:00"
    chain = list(_chain(card))
    for step, (address, (vendor, device), link, acs_control) in enumerate(chain):
        if address not in written:
            written[address] = write_function(
                tree,
                Function(
                    parent=parent,
                    address=address,
                    vendor=vendor,
                    device=device,
                    pci_class=_BRIDGE_CLASS,
                    driver="pcieport",
                    link=link,
                    iommu_group=group + step,
                    acs_control=acs_control,
                ),
            )
        parent = written[address]
    path = write_function(tree, _card_function(card, parent, index, group + len(chain)))
    tree.file(f"{path}/local_cpulist", f"0-{board.logical_processors - 1}")
    tree.file(f"{path}/local_cpus", f"{(1 << board.logical_processors) - 1:08x}")
    if card.pci_class == _VGA_CLASS:
        tree.file(f"{path}/boot_vga", "0")
    tree.file(f"{path}/resource0_resize", f"{_bar_sizes(card):016x}")
    return path


def _chain(card: Card) -> Iterator[tuple[str, tuple[int, int], Link, int | None]]:
    """Address, ids, link and ACS control of every bridge from the root port down to the card's own switch."""
    slot = (card.slot_speed, card.slot_width, card.slot_speed, card.slot_width)
    trained = (card.slot_speed, card.slot_width, "16.0 GT/s PCIe", 16)
    yield card.root_port, card.root_port_id, slot, ACS_ENABLED
    if card.switch:
        yield card.switch.upstream, card.switch.ids, slot, None
        yield card.switch.downstream, card.switch.ids, slot, 0
    yield f"0000:{card.first_bus:02x}:00.0", (_AMD_GRAPHICS, card.model.switch_ids[0]), trained, None
    yield f"0000:{card.first_bus + 1:02x}:00.0", (_AMD_GRAPHICS, card.model.switch_ids[1]), _INNER, None


def _bar_sizes(card: Card) -> int:
    """Bit n stands for 2^n MiB: from 256 MiB to the card's own."""
    return sum(1 << bit - 20 for bit in range(28, card.model.bar_bytes.bit_length()))


def _card_function(card: Card, parent: str, index: int, group: int) -> Function:
    start = _FIRST_BAR + index * 2 * card.model.bar_bytes
    after = start + card.model.bar_bytes
    low = 0xE0000000 + index * 0x00100000
    return Function(
        parent=parent,
        address=card.address,
        vendor=_AMD_GRAPHICS,
        device=card.model.device_id,
        pci_class=card.pci_class,
        subsystem=(_AMD_GRAPHICS, card.model.subsystem_id),
        revision=card.model.revision,
        driver="amdgpu",
        link=_INNER,
        bars=(
            (start, after - 1, _PREFETCHABLE_64_BIT),
            _EMPTY_BAR,
            (after, after + 0x1FFFFF, _PREFETCHABLE_64_BIT),
            _EMPTY_BAR,
            _EMPTY_BAR,
            (low, low + 0x7FFFF, 0x40200),
            (low + 0x80000, low + 0x9FFFF, 0x46200),
        ),
        iommu_group=group,
        bar_sizes=_bar_sizes(card),
    )


def _identity(function: Function) -> dict[str, str]:
    modalias = (
        f"pci:v{function.vendor:08X}d{function.device:08X}sv{function.subsystem[0]:08X}sd{function.subsystem[1]:08X}"
        f"bc{function.pci_class >> 16:02X}sc{function.pci_class >> 8 & 0xFF:02X}i{function.pci_class & 0xFF:02X}"
    )
    driver = [f"DRIVER={function.driver}"] if function.driver else []
    uevent = [
        *driver,
        f"PCI_CLASS={function.pci_class:X}",
        f"PCI_ID={function.vendor:04X}:{function.device:04X}",
        f"PCI_SUBSYS_ID={function.subsystem[0]:04X}:{function.subsystem[1]:04X}",
        f"PCI_SLOT_NAME={function.address}",
        f"MODALIAS={modalias}",
    ]
    return {
        "vendor": f"0x{function.vendor:04x}",
        "device": f"0x{function.device:04x}",
        "subsystem_vendor": f"0x{function.subsystem[0]:04x}",
        "subsystem_device": f"0x{function.subsystem[1]:04x}",
        "class": f"0x{function.pci_class:06x}",
        "revision": f"0x{function.revision:02x}",
        "modalias": modalias,
        "uevent": "\n".join(uevent),
    }


def _state(function: Function) -> dict[str, str]:
    bars = (function.bars + (_EMPTY_BAR,) * 13)[:13]
    return {
        "ari_enabled": "0",
        "broken_parity_status": "0",
        "consistent_dma_mask_bits": "44" if function.driver == "amdgpu" else "32",
        "d3cold_allowed": "1",
        "dma_mask_bits": "44" if function.driver == "amdgpu" else "32",
        "driver_override": "(null)",
        "enable": "1",
        "irq": "0",
        "msi_bus": "1",
        "numa_node": "0" if function.driver == "amdgpu" else "-1",
        "power_state": "D0",
        "resource": "\n".join(f"0x{start:016x} 0x{end:016x} 0x{flags:016x}" for start, end, flags in bars),
    }
