"""`rocm-bandwidth-test`: devices, the access matrix and the copy rates, in the spellings of its versions."""

from __future__ import annotations

import dataclasses
import re

from rocmox.errors import CannotLookError
from rocmox.facts.posted.terminal import plain

_DEVICE = re.compile(r"^\s*Device: (?P<index>\d{1,3}),\s+(?P<rest>\S.*?)\s*$")
_ADDRESS = re.compile(r"(?P<bus>[0-9a-f]{1,2}):(?P<device>[0-9a-f]{1,2})\.(?P<function>[0-7])")
_UUID = re.compile(r"GPU-[0-9a-fX]{2,16}")
_TITLES = {
    "inter-device access": "access",
    "device access": "access",
    "inter-device numa distance": "distance",
    "device numa distance": "distance",
    "unidirectional copy peak bandwidth": "unidirectional",
    "bidirectional copy peak bandwidth": "bidirectional",
    "bdirectional copy peak bandwidth": "bidirectional",
    "data path validation": "validation",
}
_ROW = re.compile(r"^\s*(?P<index>\d{1,3})\s+(?P<cells>(?:N/A|PASS|FAIL|[\d.]+)(?:\s+(?:N/A|PASS|FAIL|[\d.]+))*)\s*$")
_VERSION = re.compile(r"RocmBandwidthTest Version: ([\w.]{1,20})")

Matrix = dict[int, tuple[str, ...]]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Device:
    """A processor (no address) or a card."""

    index: int
    name: str
    uuid: str | None
    pci_address: str | None


@dataclasses.dataclass(frozen=True, kw_only=True)
class BandwidthTest:
    """Matrices by kind: access (`0`, `1`), distance, unidirectional and bidirectional (GB/s), validation."""

    version: str | None
    devices: tuple[Device, ...]
    matrices: dict[str, Matrix]

    @property
    def blind_pairs(self) -> tuple[tuple[int, int], ...]:
        """Ordered pairs of cards of which the first cannot reach the second."""
        cards = [device.index for device in self.devices if device.pci_address]
        access = self.matrices.get("access", {})
        return tuple(
            (source, other)
            for source in cards
            for other in cards
            if source != other and access.get(source, ())[other : other + 1] == ("0",)
        )


def parse_bandwidth_test(text: str) -> BandwidthTest:
    """CannotLookError when the text names no device and holds no matrix."""
    devices: list[Device] = []
    matrices: dict[str, Matrix] = {}
    title = ""
    version = _VERSION.search(text)
    for line in plain(text).splitlines():
        if match := _DEVICE.match(line):
            devices.append(_device(int(match["index"]), match["rest"]))
            continue
        named = next((kind for words, kind in _TITLES.items() if line.strip().lower().startswith(words)), None)
        title = named or title
        if title and named is None and (match := _ROW.match(line)):
            matrices.setdefault(title, {})[int(match["index"])] = tuple(match["cells"].split())
    if not (devices or matrices):
        raise CannotLookError("no device and no matrix of rocm-bandwidth-test")
    return BandwidthTest(version=version[1] if version else None, devices=tuple(devices), matrices=matrices)


def _device(index: int, rest: str) -> Device:
    parts = [part.strip() for part in rest.split(",")]
    address = _ADDRESS.fullmatch(parts[-1])
    uuid = next((part for part in parts if _UUID.fullmatch(part)), None)
    name = next((part for part in parts if part != uuid and not _ADDRESS.fullmatch(part)), "")
    return Device(
        index=index,
        name=name,
        uuid=None if uuid is None or uuid.endswith("XX") else uuid,
        pci_address=_written(address) if address else None,
    )


def _written(match: re.Match[str]) -> str:
    return f"0000:{int(match['bus'], 16):02x}:{int(match['device'], 16):02x}.{match['function']}"
