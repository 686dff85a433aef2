"""Starts a probe on a machine: its source goes to Python's standard input there, so nothing is installed."""

from __future__ import annotations

import json
import pkgutil
from typing import Any

from rocmox.errors import CannotLookError
from rocmox.machine import Machine


def run_probe(machine: Machine, name: str, question: dict[str, Any], *, timeout_seconds: float = 30) -> Any:
    """The probe's answer; CannotLookError when it cannot run there or answers with something else than JSON."""
    source = pkgutil.get_data(__package__, f"{name}.py")
    if source is None:
        raise CannotLookError(f"the probe {name} is not part of this installation")
    done = machine.run(
        ["python3", "-I", "-", json.dumps(question)], stdin=source, timeout_seconds=timeout_seconds
    ).check(remedy="The probe needs Python 3 on the machine under test: apt install python3.")
    try:
        return json.loads(done.stdout)
    except ValueError as error:
        raise CannotLookError(f"the probe {name} answered {done.stdout[:200]!r}") from error
