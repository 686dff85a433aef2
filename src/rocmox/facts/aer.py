"""Errors on a PCIe link since the machine started: `aer_dev_{correctable,nonfatal,fatal}` (drivers/pci/pcie/aer.c)."""

from __future__ import annotations

import dataclasses
import re

from rocmox.errors import CannotLookError
from rocmox.facts.reading import read_text
from rocmox.machine.base import Machine

_LINE = re.compile(r"(\w{1,40}) (\d{1,20})")


@dataclasses.dataclass(frozen=True, kw_only=True)
class LinkErrors:
    """Totals by severity; `kinds` holds every kind that is not 0."""

    correctable: int
    nonfatal: int
    fatal: int
    kinds: dict[str, int]


def parse_counters(text: str) -> dict[str, int]:
    """`NAME count` lines; CannotLookError when there is none."""
    found = {match[1]: int(match[2]) for match in map(_LINE.fullmatch, map(str.strip, text.splitlines())) if match}
    if not found:
        raise CannotLookError("no counter of AER")
    return found


def read_link_errors(machine: Machine, address: str) -> LinkErrors:
    """One function's counters; CannotLookError when it has none (no AER capability, or the firmware keeps it)."""
    place = f"/sys/bus/pci/devices/{address}"
    totals: dict[str, int] = {}
    kinds: dict[str, int] = {}
    for severity, total in (("correctable", "COR"), ("nonfatal", "NONFATAL"), ("fatal", "FATAL")):
        counters = parse_counters(read_text(machine, f"{place}/aer_dev_{severity}"))
        totals[severity] = counters.pop(f"TOTAL_ERR_{total}", 0)
        kinds |= {f"{severity} {name}": count for name, count in counters.items() if count}
    return LinkErrors(**totals, kinds=kinds)
