"""What the owner wants to happen after a run: `/etc/rocmox/react.json`."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from rocmox.errors import UsageError


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """`results` is read, `state` remembers what was done; nothing is stopped and nothing is run unless named here."""

    results: Path
    state: Path
    tell_guests: bool = True
    good_for_seconds: float = 1800.0
    stop_units: tuple[str, ...] = ()
    stop_units_in_guests: tuple[str, ...] = ()
    commands: tuple[tuple[str, ...], ...] = ()


def read_settings(path: Path) -> Settings:
    """UsageError when the file is missing or says something else."""
    try:
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return Settings(
            results=Path(document["results"]),
            state=Path(document["state"]),
            tell_guests=bool(document["tell_guests"]),
            good_for_seconds=float(document["good_for_seconds"]),
            stop_units=tuple(map(str, document["stop_units"])),
            stop_units_in_guests=tuple(map(str, document["stop_units_in_guests"])),
            commands=tuple(tuple(map(str, argv)) for argv in document["commands"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"{path}: {error!r}", remedy="The role gpu_health writes this file: run playbooks/check_health.yml."
        ) from error
