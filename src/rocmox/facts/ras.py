"""Memory and block errors that a card counts (`rocm-smi --showrasinfo`): its `ras/` directory (amdgpu_ras.c)."""

from __future__ import annotations

import dataclasses
import re

from rocmox.errors import CannotLookError
from rocmox.facts.reading import list_names, read_text
from rocmox.machine.base import Machine

_COUNT = re.compile(r"(ue|ce|de): (\d{1,20})(?!\d)")
_FILE = re.compile(r"(?P<block>\w{1,40})_err_count")
_FEATURES = re.compile(r"feature mask: 0x([0-9a-f]{1,16})")
# What a card that sleeps (runtime power management) answers instead of a count.
NOT_REAL = 0xFFFF0


@dataclasses.dataclass(frozen=True, kw_only=True)
class ErrorCount:
    """Errors of one block since the driver started."""

    block: str
    uncorrectable: int
    correctable: int

    @property
    def is_real(self) -> bool:
        """False for the number that a sleeping card gives for every block."""
        return NOT_REAL not in {self.uncorrectable, self.correctable}


@dataclasses.dataclass(frozen=True, kw_only=True)
class RasFacts:
    """Counts by block; `features` is the mask of blocks with error detection, None when the driver does not say."""

    counts: tuple[ErrorCount, ...]
    features: int | None
    unreadable: dict[str, str]


def parse_count(block: str, text: str) -> ErrorCount:
    """Lines `ue: 0` and `ce: 2`; CannotLookError for another form."""
    values = dict(_COUNT.findall(text))
    if not {"ue", "ce"} <= set(values):
        raise CannotLookError(f"{block}_err_count: {text.strip()[:40]!r} has no ue and ce")
    return ErrorCount(block=block, uncorrectable=int(values["ue"]), correctable=int(values["ce"]))


def parse_features(text: str) -> int:
    """`"feature mask: 0x7f"` (amdgpu_ras_sysfs_features_read); CannotLookError for another form."""
    match = _FEATURES.search(text)
    if match is None:
        raise CannotLookError(f"ras/features: {text.strip()[:40]!r} has no feature mask")
    return int(match[1], 16)


def read_ras(machine: Machine, address: str) -> RasFacts | None:
    """The card's counts; None when it shows no `ras` directory (no ECC, or switched off)."""
    place = f"/sys/bus/pci/devices/{address}/ras"
    if not machine.exists(place):
        return None
    counts, unreadable, features = [], {}, None
    for name in list_names(machine, place):
        try:
            if match := _FILE.fullmatch(name):
                counts.append(parse_count(match["block"], read_text(machine, f"{place}/{name}")))
            elif name == "features":
                features = parse_features(read_text(machine, f"{place}/{name}"))
        except CannotLookError as error:
            unreadable[name] = error.message
    return RasFacts(counts=tuple(counts), features=features, unreadable=unreadable)
