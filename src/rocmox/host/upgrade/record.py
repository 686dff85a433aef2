"""The upgrade's one file on the host: what is under way, since when, and what must be as before in the end.

It is written before each act, whole or not at all, so a run that was killed anywhere is taken up again.
"""

from __future__ import annotations

import dataclasses
import enum
import json
from collections.abc import Mapping
from typing import Any

from rocmox.errors import RocmoxError
from rocmox.host import files, places

_MOMENTS = ("prepared_at", "built_at", "down_at", "booted_at", "up_at")


class Phase(enum.StrEnum):
    """How far it is. REBOOT is a plain reboot of the host, which is no upgrade and uses the same units."""

    BUILDING = "building"
    BUILT = "built"
    TRIAL = "trial"
    BOOTED = "booted"
    DONE = "done"
    FAILED = "failed"
    REBOOT = "reboot"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Card:
    """What identifies a card on both kernels; numbers of device nodes may change."""

    pci_address: str
    unique_id: str | None


@dataclasses.dataclass(frozen=True, kw_only=True)
class UpgradeRecord:
    """Kernels, phase, and what was before: guests that ran as (kind, vmid), cards, verdicts. `…_at` in Unix seconds."""

    phase: Phase
    old: str = ""
    new: str = ""
    error: str = ""
    prepared_at: float | None = None
    built_at: float | None = None
    down_at: float | None = None
    booted_at: float | None = None
    up_at: float | None = None
    guests: tuple[tuple[str, int], ...] = ()
    cards: tuple[Card, ...] = ()
    verdicts: Mapping[str, str] = dataclasses.field(default_factory=dict)
    guest_complaints: tuple[str, ...] = ()

    def durations(self) -> dict[str, float | bool | None]:
        """Seconds of building (while everything served) and of the guests' downtime; None for what did not happen."""
        built_before = bool(self.built_at and self.down_at and self.built_at <= self.down_at)
        return {
            "build_seconds": _between(self.prepared_at, self.built_at),
            "downtime_seconds": _between(self.down_at, self.up_at),
            "built_before_downtime": built_before,
        }


def _between(start: float | None, end: float | None) -> float | None:
    return round(end - start, 1) if start and end else None


def parse_record(text: str, *, path: str) -> UpgradeRecord | None:
    """None for a file that a power cut tore; RocmoxError for a document that no rocmox wrote.

    Keys that are missing have their defaults and keys of a later rocmox are left out.
    """
    try:
        document = json.loads(text)
    except ValueError:
        return None
    if not document:
        return None
    try:
        return UpgradeRecord(
            phase=Phase(document["phase"]),
            old=str(document.get("old") or ""),
            new=str(document.get("new") or ""),
            error=str(document.get("error") or ""),
            prepared_at=_moment(document.get("prepared_at")),
            built_at=_moment(document.get("built_at")),
            down_at=_moment(document.get("down_at")),
            booted_at=_moment(document.get("booted_at")),
            up_at=_moment(document.get("up_at")),
            guests=tuple((str(guest["kind"]), int(guest["vmid"])) for guest in document.get("guests") or ()),
            cards=tuple(
                Card(pci_address=card["pci_address"], unique_id=card.get("unique_id"))
                for card in document.get("cards") or ()
            ),
            verdicts={str(name): str(verdict) for name, verdict in (document.get("verdicts") or {}).items()},
            guest_complaints=tuple(str(entry) for entry in document.get("guest_complaints") or ()),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise RocmoxError(
            f"{path} is not the record of an upgrade: {type(error).__name__}: {error}",
            remedy=f"Look at it. When no upgrade is under way, remove it (`rm {path}`) and run this again.",
        ) from error


def _moment(value: Any) -> float | None:
    return None if value is None else float(value)


def to_json(record: UpgradeRecord) -> dict[str, Any]:
    """As it is written, with the keys that 0.1 had; moments that did not come yet are left out."""
    return {
        **{name: getattr(record, name) for name in ("old", "new")},
        "phase": str(record.phase),
        "error": record.error,
        **{name: moment for name in _MOMENTS if (moment := getattr(record, name)) is not None},
        "guests": [{"kind": kind, "vmid": vmid} for kind, vmid in record.guests],
        "cards": [dataclasses.asdict(card) for card in record.cards],
        "verdicts": dict(record.verdicts),
        "guest_complaints": list(record.guest_complaints),
    }


def read_record() -> UpgradeRecord | None:
    """The upgrade (or plain reboot) that is under way; None when there is none."""
    return parse_record(files.read(places.UPGRADE) or "{}", path=places.UPGRADE)


def write_record(record: UpgradeRecord) -> UpgradeRecord:
    """Note progress; the record itself, for the next step."""
    files.write_document(places.UPGRADE, to_json(record))
    return record


def archive(record: UpgradeRecord) -> dict[str, Any]:
    """The upgrade becomes history; its report with the times it took."""
    report = {**to_json(record), **record.durations()}
    files.write_document(places.LAST_UPGRADE, report)
    files.remove(places.UPGRADE)
    return report


def read_last() -> dict[str, Any]:
    """The report of the last upgrade, as it was archived; empty when there was none."""
    return files.read_document(places.LAST_UPGRADE)
