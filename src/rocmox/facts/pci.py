"""PCI functions from `/sys/bus/pci/devices` (`lspci -D -nn`): identity, driver, link, the bridges above."""

from __future__ import annotations

import dataclasses
import re

from rocmox.errors import CannotLookError, UsageError
from rocmox.facts.reading import list_names, parse_whole_number, read_text
from rocmox.machine.base import Machine

AMD = 0x1002
_DEVICES = "/sys/bus/pci/devices"
_ADDRESS = re.compile(
    r"(?:(?P<domain>[0-9a-f]{4,8}):)?(?P<bus>[0-9a-f]{2}):(?P<device>[01][0-9a-f])\.(?P<function>[0-7])"
)
# Base class 03 is a display controller (VGA 0300, 3D 0302, other 0380), 12 a processing accelerator.
_GPU_CLASSES = frozenset({0x0300, 0x0302, 0x0380, 0x1200})
_SPEED = re.compile(r"(\d+(?:\.\d+)?) GT/s(?: PCIe)?")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Link:
    """A PCIe link: GT/s and lanes as trained, and as the port could; `at` is the function that reports it."""

    at: str
    speed_gts: float
    width: int
    max_speed_gts: float
    max_width: int

    @property
    def rate(self) -> float:
        """Trained speed times width, for finding the slowest of several links."""
        return self.speed_gts * self.width


@dataclasses.dataclass(frozen=True, kw_only=True)
class PciFunction:
    """One PCI function; `bridges` are the addresses above it, the root port first."""

    address: str
    vendor_id: int
    device_id: int
    class_id: int
    subsystem_id: str | None
    driver: str | None
    numa_node: int | None
    bridges: tuple[str, ...]

    @property
    def is_amd_gpu(self) -> bool:
        """Whether this is an AMD (or ATI) graphics or compute function."""
        return self.vendor_id == AMD and self.class_id >> 8 in _GPU_CLASSES


def parse_address(text: str) -> str:
    """`"03:00.0"` or `"0000:03:00.0"` as `"0000:03:00.0"`; UsageError for anything else."""
    match = _ADDRESS.fullmatch(text.strip().lower())
    if match is None:
        raise UsageError(f"{text!r} is not a PCI address", remedy="Write it as `lspci -D` does: 0000:03:00.0.")
    return f"{match['domain'] or '0000'}:{match['bus']}:{match['device']}.{match['function']}"


def parse_speed(text: str) -> float:
    """`"8.0 GT/s PCIe"` as 8.0; CannotLookError for `"Unknown"` (pci-sysfs.c, PCI_SPEED_UNKNOWN)."""
    match = _SPEED.fullmatch(text.strip())
    if match is None:
        raise CannotLookError(f"link speed {text.strip()[:40]!r}")
    return float(match[1])


def parse_bridges(device_path: str) -> tuple[str, ...]:
    """The bridges in `/sys/devices/pci0000:00/BRIDGE/…/ADDRESS`, the root port first."""
    return tuple(part for part in device_path.split("/")[:-1] if _ADDRESS.fullmatch(part))


def read_addresses(machine: Machine) -> list[str]:
    """Every PCI address of the machine, in order."""
    return [name for name in list_names(machine, _DEVICES) if _ADDRESS.fullmatch(name)]


def is_amd(machine: Machine, address: str) -> bool:
    """Whether the function carries AMD's (formerly ATI's) vendor id; a function that cannot be read does not."""
    try:
        return _number(machine, f"{_DEVICES}/{address}/vendor") == AMD
    except CannotLookError:
        return False


def read_function(machine: Machine, address: str) -> PciFunction:
    """One function; CannotLookError when its identity cannot be read, None for what else is missing."""
    place = f"{_DEVICES}/{address}"
    vendor, device, class_id = (_number(machine, f"{place}/{name}") for name in ("vendor", "device", "class"))
    return PciFunction(
        address=address,
        vendor_id=vendor,
        device_id=device,
        class_id=class_id,
        subsystem_id=_read_subsystem(machine, place),
        driver=read_driver(machine, address),
        numa_node=_read_numa_node(machine, place),
        bridges=parse_bridges(_resolve(machine, place)),
    )


def read_driver(machine: Machine, address: str) -> str | None:
    """The driver bound to a function, None when none is."""
    link = f"{_DEVICES}/{address}/driver"
    return _resolve(machine, link).rpartition("/")[2] if machine.exists(link) else None


def read_link(machine: Machine, address: str) -> Link:
    """The link of one function; CannotLookError when it reports none (an integrated endpoint, an unknown speed)."""
    place = f"{_DEVICES}/{address}"
    return Link(
        at=address,
        speed_gts=parse_speed(read_text(machine, f"{place}/current_link_speed")),
        width=_number(machine, f"{place}/current_link_width"),
        max_speed_gts=parse_speed(read_text(machine, f"{place}/max_link_speed")),
        max_width=_number(machine, f"{place}/max_link_width"),
    )


def _number(machine: Machine, path: str) -> int:
    return parse_whole_number(read_text(machine, path), path)


def _read_subsystem(machine: Machine, place: str) -> str | None:
    try:
        vendor, device = (_number(machine, f"{place}/subsystem_{kind}") for kind in ("vendor", "device"))
    except CannotLookError:
        return None
    return f"{vendor:04x}:{device:04x}"


def _read_numa_node(machine: Machine, place: str) -> int | None:
    try:
        node = _number(machine, f"{place}/numa_node")
    except CannotLookError:
        return None
    return node if node >= 0 else None


def _resolve(machine: Machine, path: str) -> str:
    try:
        return machine.resolve_link(path)
    except OSError as error:
        raise CannotLookError(f"{path}: {error.strerror or error}") from error
