"""What a run may do and for how long, apart from the wish itself."""

from __future__ import annotations

import dataclasses

from rocmox.containers.templates import SUPPORTED_GUESTS


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
