"""The rows of `table.toml`, and the one that speaks about a given node."""

from __future__ import annotations

import dataclasses
import enum
import functools
import importlib.resources
import re
import tomllib
from typing import Any

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
    """The first row that speaks about this combination, the closer ones standing first; unknown when none does."""
    for row in load_rows():
        if (
            row.driver == driver
            and kernel_matches(row.kernel, kernel)
            and driver_range(row.rocm, rocm)
            and row.architecture in {"*", architecture}
            and (row.pve == "*" or (pve or "").startswith(row.pve))
        ):
            return row
    return _NOBODY


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
