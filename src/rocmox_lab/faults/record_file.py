"""The record of one fault that is set: `NAME.json` in the node's folder of faults, read by the node's processes too."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from rocmox.errors import CannotLookError
from rocmox.files import write_whole
from rocmox_lab.faults.target import FaultTarget


def write_record(target: FaultTarget, name: str, document: Mapping[str, Any]) -> None:
    """Replace the record of a fault that is being set."""
    write_whole(target.faults / f"{name}.json", json.dumps({"name": name, **document}, indent=2) + "\n")


def read_record(target: FaultTarget, name: str) -> dict[str, Any]:
    """A fault's record; CannotLookError when it cannot be parsed."""
    path = target.faults / f"{name}.json"
    try:
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise CannotLookError(f"{path}: not the record of a fault ({error})", remedy="Delete the file.") from error
    return document
