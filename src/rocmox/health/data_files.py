"""Data files that checks read beside their code."""

from __future__ import annotations

import pkgutil
import tomllib
from typing import Any


def load(name: str) -> dict[str, Any]:
    """A TOML file of `health/data`; it travels in the zipapp, so it has no path."""
    content = pkgutil.get_data(__package__, f"data/{name}")
    if content is None:
        raise FileNotFoundError(name)
    return tomllib.loads(content.decode())
