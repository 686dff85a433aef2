"""The processor (`/proc/cpuinfo`): vendor, family and model, which decide what its root complex forwards."""

from __future__ import annotations

import dataclasses

from rocmox.errors import CannotLookError
from rocmox.facts.reading import parse_whole_number, read_text
from rocmox.machine.base import Machine


@dataclasses.dataclass(frozen=True, kw_only=True)
class Processor:
    """The first processor; the kernel too asks only that one (cpu_supports_p2pdma in p2pdma.c)."""

    vendor: str
    family: int
    model: int
    name: str


def parse_cpuinfo(text: str) -> Processor:
    """The first block of `/proc/cpuinfo`; CannotLookError on another architecture than x86."""
    values: dict[str, str] = {}
    for line in text.splitlines():
        key, colon, value = line.partition(":")
        if colon:
            values.setdefault(key.strip(), value.strip())
    if "vendor_id" not in values:
        raise CannotLookError("/proc/cpuinfo names no vendor_id: this is not an x86 processor")
    return Processor(
        vendor=values["vendor_id"],
        family=parse_whole_number(values.get("cpu family", ""), "cpu family"),
        model=parse_whole_number(values.get("model", ""), "model"),
        name=values.get("model name", ""),
    )


def read_processor(machine: Machine) -> Processor:
    """The processor of a machine."""
    return parse_cpuinfo(read_text(machine, "/proc/cpuinfo"))
