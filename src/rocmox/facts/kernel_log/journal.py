"""journald's JSON lines (`journalctl -k -o json`): https://systemd.io/JOURNAL_EXPORT_FORMATS/."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from rocmox.facts.kernel_log.stamp import Stamp, boot_stamp, epoch_stamp

_MICROSECONDS = 1e6
_MOST_DIGITS = 19  # of 64 bits


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class JournalEntry:
    """One record; `boot` is journald's boot id, and the stamp counts from that boot when the record tells it."""

    message: str
    stamp: Stamp | None
    is_kernel: bool
    boot: str | None


def parse_entry(text: str) -> JournalEntry | None:
    """A record with a message; None for any other text."""
    try:
        record = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(record, dict) or "MESSAGE" not in record:
        return None
    transport = record.get("_TRANSPORT")
    tag = record.get("SYSLOG_IDENTIFIER")
    boot = record.get("_BOOT_ID")
    return JournalEntry(
        message=_message(record["MESSAGE"]),
        stamp=_stamp(record),
        is_kernel=transport == "kernel" or (transport is None and tag in {None, "kernel"}),
        boot=boot if isinstance(boot, str) else None,
    )


def _message(value: Any) -> str:
    """Text, or a list of bytes where it is not printable."""
    if isinstance(value, list):
        try:
            return bytes(value).decode(errors="replace")
        except (TypeError, ValueError):
            return ""
    return value if isinstance(value, str) else ""


def _stamp(record: dict[str, Any]) -> Stamp | None:
    since_boot = _number(record.get("_SOURCE_MONOTONIC_TIMESTAMP")) or _number(record.get("__MONOTONIC_TIMESTAMP"))
    if since_boot is not None:
        seconds = f"{since_boot / _MICROSECONDS:.6f}"
        return boot_stamp(seconds, seconds)
    real = _number(record.get("__REALTIME_TIMESTAMP")) or _number(record.get("_SOURCE_REALTIME_TIMESTAMP"))
    return None if real is None else epoch_stamp(real)


def _number(value: Any) -> int | None:
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS else None
