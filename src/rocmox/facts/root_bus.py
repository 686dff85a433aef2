"""The first function on the root bus above a card: what the kernel's peer-to-peer white list knows a host bridge by."""

from __future__ import annotations

import dataclasses
import re

from rocmox.errors import CannotLookError
from rocmox.facts.pci import parse_bridges, read_function
from rocmox.facts.reading import list_names, why
from rocmox.machine.base import Machine

_ROOT = re.compile(r"(/sys/devices/(?:[\w.:-]+/)*?pci[0-9a-f]{4,8}:[0-9a-f]{2})(?:/|$)")
_ADDRESS = re.compile(r"[0-9a-f]{4,8}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]")
_BRIDGE_CLASS = 0x0604


@dataclasses.dataclass(frozen=True, kw_only=True)
class RootBus:
    """`bus` is its directory in `/sys/devices`, `first` the function with the lowest number on it."""

    bus: str
    first: str
    vendor_id: int
    device_id: int
    is_root_port: bool


def parse_root(device_path: str) -> str:
    """`/sys/devices/pci0000:00` of `/sys/devices/pci0000:00/…`; CannotLookError for another path."""
    match = _ROOT.match(device_path)
    if match is None:
        raise CannotLookError(f"{device_path[:100]} is not below a PCI root bus")
    return match[1]


def read_root_bus(machine: Machine, address: str) -> RootBus:
    """The root bus of one function; a guest sees it too, for sysfs is the node's."""
    link = f"/sys/bus/pci/devices/{address}"
    try:
        path = machine.resolve_link(link)
    except OSError as error:
        raise CannotLookError(f"{link}: {why(error)}") from error
    bus = parse_root(path)
    on_bus = sorted(name for name in list_names(machine, bus) if _ADDRESS.fullmatch(name))
    if not on_bus:
        raise CannotLookError(f"{bus} holds no function")
    first = read_function(machine, on_bus[0])
    return RootBus(
        bus=bus,
        first=first.address,
        vendor_id=first.vendor_id,
        device_id=first.device_id,
        is_root_port=first.class_id >> 8 == _BRIDGE_CLASS,
    )


def shared_bridges(one: str, other: str) -> int:
    """How many bridges two device paths have in common: above 0 both are behind the same port."""
    pairs = zip(parse_bridges(one), parse_bridges(other), strict=False)
    count = 0
    for left, right in pairs:
        if left != right:
            break
        count += 1
    return count
