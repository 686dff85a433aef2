"""The methods of the API, by subject; every module registers its handlers."""

from __future__ import annotations

import importlib

MODULES = ("access", "accounts", "cluster", "grants", "guests", "nodes", "pools", "storages", "tasks", "templates")


def load() -> None:
    """Import every module once."""
    for name in MODULES:
        importlib.import_module(f"{__package__}.{name}")
