"""The rows of `table.toml`, and the one that speaks about a given node."""

from __future__ import annotations

import dataclasses
import enum
import functools
import importlib.resources
import re
import tomllib
from typing import Any

from rocmox.gpu.catalogue import rocm_support

_TABLE = "table.toml"
SCHEMA_VERSION = 1


class Verdict(enum.Enum):
    """`unknown` means that nobody reported it, not that it fails."""

    WORKS = "works"
    KNOWN_BAD = "known bad"
    UNKNOWN = "unknown"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
    """One statement. `kernel` and `rocm` are ranges such as `6.8.12-2..6.8` or `6.2.1..6.2`; `*` is any.

    `basis` says how firm it is: `vendor` (AMD or Proxmox state it), `report` (someone tried it), `inference`.
    """

    pve: str
    kernel: str
    driver: str
    rocm: str
    architecture: str
    verdict: Verdict
    basis: str
    note: str
    source: str


_NOBODY = Row(
    pve="*",
    kernel="*",
    driver="*",
    rocm="*",
    architecture="*",
    verdict=Verdict.UNKNOWN,
    basis="none",
    note="nobody reported this combination; the build decides, before anything is rebooted",
    source="",
)


@functools.cache
def load_rows() -> tuple[Row, ...]:
    """Every row, in the order of the file."""
    text = (importlib.resources.files(__package__) / _TABLE).read_text(encoding="utf-8")
    rows = tomllib.loads(text)["rows"]
    return tuple(Row(**{**row, "verdict": Verdict(row["verdict"])}) for row in rows)


def look_up(*, pve: str | None, kernel: str, driver: str, rocm: str, architecture: str | None) -> Row:
    """The first row that speaks about this combination, the closer ones standing first; unknown when none does.

    That a driver works says nothing about an architecture that this ROCm does not list: such a row becomes unknown. A
    driver that does not work stays known bad for every card. `architecture` None asks about the driver alone.
    """
    for row in load_rows():
        if (
            row.driver == driver
            and kernel_matches(row.kernel, kernel)
            and driver_range(row.rocm, rocm)
            and row.architecture in {"*", architecture}
            and (row.pve == "*" or (pve or "").startswith(row.pve))
        ):
            why = _why_not_listed(architecture, rocm) if architecture and row.verdict is Verdict.WORKS else None
            return why or row
    return _NOBODY


def _why_not_listed(architecture: str, rocm: str) -> Row | None:
    """An unknown that says why, None where AMD lists the architecture for this ROCm."""
    support = rocm_support().get(architecture)
    if support is None or not support.rocm_first:
        note = f"the driver works there, but since which ROCm AMD lists {architecture} is not known here"
    elif not driver_range(f"{support.rocm_first}..", rocm):
        note = f"the driver works there, but AMD lists {architecture} only from ROCm {support.rocm_first} on"
    elif support.rocm_last and not driver_range(f"..{support.rocm_last}", rocm):
        note = f"the driver works there, but ROCm {support.rocm_last} is the last for which AMD lists {architecture}"
    else:
        return None
    source = support.source.rpartition(" ")[2] if support and "https://" in support.source else ""
    return dataclasses.replace(_NOBODY, architecture=architecture, note=note, source=source)


def kernel_matches(pattern: str, release: str) -> bool:
    """Whether a kernel lies in a range: `*`, `6.8`, `6.8.12-2..6.8` (both ends included), `6.18..`."""
    return _within(pattern, release)


def driver_range(pattern: str, rocm: str) -> bool:
    """Whether a version of ROCm lies in a range: `*`, `6.2.0`, `6.2.1..6.2` (up to the last 6.2.x), `..6.2`."""
    return _within(pattern, rocm)


def _within(pattern: str, version: str) -> bool:
    if pattern == "*":
        return True
    low, dots, high = pattern.partition("..")
    if not dots:
        return _key(version)[: len(_key(low))] == _key(low)
    above = not low or _key(version) >= _key(low)
    return above and (not high or _key(version)[: len(_key(high))] <= _key(high))


def _key(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version))


def to_json() -> dict[str, Any]:
    """The document of `rocmox compatibility --json`."""
    rows = [{**dataclasses.asdict(row), "verdict": row.verdict.value} for row in load_rows()]
    return {"schema_version": SCHEMA_VERSION, "rows": rows}


def to_markdown() -> str:
    """The table of docs/reference/compatibility.md."""
    lines = [
        "| Proxmox VE | kernel | driver | ROCm | architecture | verdict | basis | note |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in load_rows():
        words = (row.pve, row.kernel, row.driver, row.rocm, row.architecture, row.verdict.value, row.basis)
        lines.append(f"| {' | '.join(words)} | {row.note} ([source]({row.source})) |")
    return "\n".join(lines) + "\n"
