"""What a run may do and for how long, apart from the desired containers themselves."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from rocmox.containers.spec.templates import SUPPORTED_GUESTS


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """Policy and timeouts of one run; every field is a variable of the role `gpu_container`."""

    restart: bool = True
    template_storage: str = "local"
    supported_guests: tuple[str, ...] = SUPPORTED_GUESTS
    allow_overcommit: bool = False
    migrate_legacy: bool = False
    create_timeout_seconds: int = 900
    start_timeout_seconds: int = 180
    shutdown_timeout_seconds: int = 60
    download_timeout_seconds: int = 1800
    resize_timeout_seconds: int = 600


def options_from(parameters: Mapping[str, Any]) -> Options:
    """Policy and timeouts; what is not given keeps its default."""
    names = {field.name for field in dataclasses.fields(Options)}
    given: dict[str, Any] = {
        key: value for key, value in parameters.items() if key in names and value not in (None, "", [])
    }
    given["restart"] = parameters.get("restart", "if_needed") == "if_needed"
    if "supported_guests" in given:
        given["supported_guests"] = tuple(given["supported_guests"])
    return Options(**given)
