"""What follows from the role's settings alone, before anybody has looked at the guest."""

from __future__ import annotations

import dataclasses
from typing import Any

from rocmox.engines.llamacpp.serving import sources

Settings = dict[str, Any]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plan:
    """What follows from the settings alone. `version` and `backend` are those served: of a kept build its own."""

    version: str
    backend: str
    build_number: int
    models: list[Settings]
    source: sources.Source
    problems: list[str]
    notes: list[str]
    force_cublas: bool
    mmvq: Settings | None
    programs: list[str]
    compared: list[str]
    packages: list[str]
