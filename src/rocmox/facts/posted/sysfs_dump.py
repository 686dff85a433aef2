"""A posted dump of a card's PCI directory: what its files say, by the same parsers that read the real ones."""

from __future__ import annotations

import dataclasses
import re

from rocmox.errors import CannotLookError
from rocmox.facts.hwmon import Sensors, parse_sensors
from rocmox.facts.pci import parse_speed
from rocmox.facts.posted.dump import find, parse_dump
from rocmox.facts.reading import parse_whole_number

_HWMON = re.compile(r"(?:.*/)?hwmon/hwmon\d{1,3}/(?P<name>[a-z]\w{1,30})")
_CARD_FILES = ("mem_info_vram_total", "gpu_busy_percent", "current_link_speed", "vbios_version", "vendor", "device")


@dataclasses.dataclass(frozen=True, kw_only=True)
class PostedCard:
    """What is None is not in the dump, or no number; sizes in bytes, speed in GT/s."""

    device_id: int | None
    vram_bytes: int | None
    visible_vram_bytes: int | None
    vram_vendor: str | None
    vbios: str | None
    unique_id: str | None
    link_gts: float | None
    link_width: int | None
    sensors: Sensors | None
    files: int


def parse_card_dump(text: str) -> PostedCard:
    """CannotLookError when the dump holds no file of a card."""
    files = parse_dump(text)
    if not any(find(files, name) is not None for name in _CARD_FILES):
        raise CannotLookError("the dump holds no file of a card")
    hwmon = {match["name"]: content for path, content in files.items() if (match := _HWMON.fullmatch(path))}
    return PostedCard(
        device_id=_number(files, "device"),
        vram_bytes=_number(files, "mem_info_vram_total"),
        visible_vram_bytes=_number(files, "mem_info_vis_vram_total"),
        vram_vendor=find(files, "mem_info_vram_vendor"),
        vbios=find(files, "vbios_version"),
        unique_id=find(files, "unique_id") or None,
        link_gts=_speed(find(files, "current_link_speed")),
        link_width=_number(files, "current_link_width"),
        sensors=parse_sensors(hwmon) if hwmon else None,
        files=len(files),
    )


def _number(files: dict[str, str], name: str) -> int | None:
    text = find(files, name)
    try:
        return None if text is None else parse_whole_number(text, name)
    except CannotLookError:
        return None


def _speed(text: str | None) -> float | None:
    try:
        return None if text is None else parse_speed(text)
    except CannotLookError:
        return None
