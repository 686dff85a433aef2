"""Runs that rocmox 0.1 stored: one engine alone was measured then, by fields of its own."""

from __future__ import annotations

from typing import Any

SCHEMA_VERSION = 1
_ENGINE = "llama.cpp"


def renewed(entry: dict[str, Any]) -> dict[str, Any]:
    """The same run in today's fields; KeyError or TypeError for what that rocmox did not write."""
    around = dict(entry["surroundings"])
    build = around.pop("llama_build")
    if build is not None and type(build) is not int:
        raise TypeError(f"run.surroundings.llama_build is {str(build)[:40]!r}")
    engine = {
        "name": _ENGINE,
        "version": None if build is None else f"b{build}",
        "commit": around.pop("llama_commit"),
        "programs": around.pop("llama_path"),
        "options": around.pop("llama_options", []),
    }
    return {**entry, "surroundings": {**around, "engine": engine}}
