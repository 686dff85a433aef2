"""`build.json` beside llama.cpp's programs: what role llama_cpp built them from, and how."""

from __future__ import annotations

import json
from typing import Any

from rocmox.errors import CannotLookError
from rocmox.machine import Machine


def read_notes(machine: Machine, programs: str) -> dict[str, Any]:
    """Empty where there is no such file, or another one of its name."""
    path = f"{programs.rstrip('/').removesuffix('/bin')}/build.json"
    try:
        notes = json.loads(machine.read_bytes(path))
    except (OSError, ValueError, CannotLookError):
        return {}
    return notes if isinstance(notes, dict) else {}
