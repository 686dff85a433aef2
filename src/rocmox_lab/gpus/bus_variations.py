"""Variations of the bus: registers, addresses, links, switches, host bridges, peer-to-peer links."""

from __future__ import annotations

import struct

from rocmox_lab.gpus.config_space import ACS, ACS_ENABLED
from rocmox_lab.gpus.tree_view import TreeView

_SMALL_BYTES = 256 << 20
_FAR = 56 << 40  # where a board with `MMIO High Base` at 56 TiB puts the registers
_BROADWELL = 0x6F00
_AFTER_HEADER = 0x100


def _resize_bar(view: TreeView, card: int, *, size: int, start: int | None = None) -> None:
    path = view.device(card, "resource")
    lines = view.changes.read(path).splitlines()
    first, _, flags = lines[0].split()
    begin = int(first, 16) if start is None else start
    lines[0] = f"0x{begin:016x} 0x{begin + size - 1:016x} {flags}"
    view.changes.write(path, "\n".join(lines))


def _small_bar(view: TreeView, card: int) -> None:
    _resize_bar(view, card, size=_SMALL_BYTES)
    view.changes.write(view.device(card, "mem_info_vis_vram_total"), str(_SMALL_BYTES))
    view.drop_links(destination=card)


def _small_bar_vbios(view: TreeView, card: int) -> None:
    _small_bar(view, card)
    view.changes.remove(view.device(card, "resource0_resize"))


def _bar_above_mask(view: TreeView, card: int) -> None:
    size = int(view.changes.read(view.device(card, "resource")).split()[1], 16)
    size -= int(view.changes.read(view.device(card, "resource")).split()[0], 16) - 1
    _resize_bar(view, card, size=size, start=_FAR)
    view.drop_links(destination=card)


def _narrow(view: TreeView, card: int) -> None:
    root_port, upstream = view.bridges(card)[0], view.bridges(card)[-2]
    for port in (root_port, upstream):
        view.changes.write(view.function(port, "current_link_width"), "1")


def _slow(view: TreeView, card: int) -> None:
    root_port, upstream = view.bridges(card)[0], view.bridges(card)[-2]
    for port in (root_port, upstream):
        view.changes.write(view.function(port, "current_link_speed"), "2.5 GT/s PCIe")
    view.changes.write(view.device(card, "gpu_busy_percent"), "99")


def _bus_errors(view: TreeView, card: int) -> None:
    path = view.function(view.bridges(card)[0], "aer_dev_nonfatal")
    view.changes.replace(path, "CmpltTO 0", "CmpltTO 3")
    view.changes.replace(path, "TOTAL_ERR_NONFATAL 0", "TOTAL_ERR_NONFATAL 3")


def _acs(view: TreeView, card: int) -> None:
    for port in view.bridges(card):
        path = view.function(port, "config")
        content = bytearray(view.changes.read_bytes(path))
        at = _AFTER_HEADER
        while at:
            (header,) = struct.unpack_from("<I", content, at)
            if header & 0xFFFF == ACS:
                struct.pack_into("<H", content, at + 6, ACS_ENABLED)
            at = header >> 20
        view.changes.write(path, bytes(content))


def _host_bridge(view: TreeView, card: int) -> None:  # noqa: ARG001 - the whole board
    first = "0000:00:00.0"
    view.changes.write(view.function(first, "vendor"), "0x8086")
    view.changes.write(view.function(first, "device"), f"0x{_BROADWELL:04x}")
    if "AuthenticAMD" in view.changes.read("/proc/cpuinfo"):
        view.changes.replace("/proc/cpuinfo", "AuthenticAMD", "GenuineIntel")
    view.drop_links()


def _one_way(view: TreeView, card: int) -> None:
    view.drop_links(source=card, destination=(card + 1) % len(view.cards))


def _no_links(view: TreeView, card: int) -> None:  # noqa: ARG001 - all cards
    view.drop_links()


VARIATIONS = {
    "small-bar": ("the firmware gives a card a small register", _small_bar, ("BAR_SMALL_PLATFORM",)),
    "small-bar-vbios": ("a card's VBIOS offers no Resizable BAR", _small_bar_vbios, ("BAR_SMALL_VBIOS",)),
    "bar-above-mask": ("a card's register lies above 44 bits", _bar_above_mask, ("DMA_MASK_EXCEEDED",)),
    "link-narrow": ("a link trained to one lane", _narrow, ("LINK_NARROW",)),
    "link-slow": ("a link runs at 2.5 GT/s under load", _slow, ("LINK_SLOW",)),
    "link-errors": ("a root port counted errors", _bus_errors, ("LINK_ERRORS",)),
    "acs": ("the ports above a card redirect", _acs, ("ACS_REDIRECTS",)),
    "host-bridge": ("a host bridge that the kernel does not list", _host_bridge, ("HOST_BRIDGE_REFUSED",)),
    "p2p-one-way": ("one peer-to-peer link is missing", _one_way, ("P2P_LINKS_ONE_WAY",)),
    "p2p-none": ("no peer-to-peer link at all", _no_links, ("P2P_LINKS_NONE",)),
}
