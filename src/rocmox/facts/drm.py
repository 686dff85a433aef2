"""DRM minors from `/sys/class/drm`: which cardN and renderDN belong to which PCI function, and what is plugged in."""

from __future__ import annotations

import dataclasses
import re

from rocmox.errors import CannotLookError
from rocmox.facts.reading import list_names, read_text
from rocmox.machine.base import Machine

_CLASS = "/sys/class/drm"
_MINOR = re.compile(r"(?P<kind>card|renderD)(?P<number>\d{1,6})")
_CONNECTOR = re.compile(r"card(?P<number>\d{1,6})-(?P<connector>[\w-]{1,60})")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Minors:
    """The numbers behind /dev/dri/cardN and /dev/dri/renderDN of one PCI function; they may change at every boot."""

    card: int | None = None
    render: int | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Connector:
    """A display output of a card; `status` is connected, disconnected or unknown (drm_sysfs.c)."""

    card: int
    name: str
    status: str


def parse_minor(name: str) -> tuple[str, int] | None:
    """`"card1"` as ("card", 1), `"renderD128"` as ("render", 128), None for a connector or anything else."""
    match = _MINOR.fullmatch(name)
    if match is None:
        return None
    return ("card" if match["kind"] == "card" else "render"), int(match["number"])


def read_minors(machine: Machine) -> dict[str, Minors]:
    """PCI address → minors, from each minor's `device` link."""
    found: dict[str, Minors] = {}
    for name in list_names(machine, _CLASS):
        minor = parse_minor(name)
        if minor is None:
            continue
        kind, number = minor
        try:
            address = machine.resolve_link(f"{_CLASS}/{name}/device").rpartition("/")[2]
        except OSError:
            continue
        found[address] = dataclasses.replace(found.get(address, Minors()), **{kind: number})
    return found


def read_connectors(machine: Machine) -> list[Connector]:
    """Every display output, of every card."""
    outputs = []
    for name in list_names(machine, _CLASS):
        match = _CONNECTOR.fullmatch(name)
        if match is None:
            continue
        try:
            status = read_text(machine, f"{_CLASS}/{name}/status")
        except CannotLookError:
            status = "unknown"
        outputs.append(Connector(card=int(match["number"]), name=match["connector"], status=status))
    return outputs
