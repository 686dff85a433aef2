"""The engines: every room below this package that has an `engine.py` with an `ENGINE`."""

from __future__ import annotations

import importlib
import pkgutil
from typing import cast

from rocmox import engines
from rocmox.engines.engine import Engine
from rocmox.errors import UsageError


def all_engines() -> dict[str, Engine]:
    """By name, in the order of the rooms."""
    rooms = [room.name for room in pkgutil.iter_modules(engines.__path__) if room.ispkg]
    found = [cast("Engine", importlib.import_module(f"rocmox.engines.{room}.engine").ENGINE) for room in rooms]
    return {engine.name: engine for engine in found}


def engine_named(name: str) -> Engine:
    """UsageError that lists the engines when there is none of this name."""
    known = all_engines()
    if name not in known:
        raise UsageError(f"{name!r} is not an engine", remedy=f"Use one of: {', '.join(sorted(known))}.")
    return known[name]
