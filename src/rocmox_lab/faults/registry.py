"""Finds the kinds of fault: every module of `kinds` that has a `FAULT`."""

from __future__ import annotations

import difflib
import functools
import importlib
import pkgutil
from collections.abc import Mapping

from rocmox.errors import UsageError
from rocmox_lab.faults import kinds
from rocmox_lab.faults.fault import Fault


@functools.cache
def all_faults() -> Mapping[str, Fault]:
    """Name → fault, by name."""
    modules = [
        importlib.import_module(f"{kinds.__name__}.{found.name}") for found in pkgutil.iter_modules(kinds.__path__)
    ]
    faults: list[Fault] = [module.FAULT for module in modules if hasattr(module, "FAULT")]
    return {fault.name: fault for fault in sorted(faults, key=lambda fault: fault.name)}


def find_fault(name: str) -> Fault:
    """The fault of this name; UsageError with the nearest one."""
    faults = all_faults()
    if name not in faults:
        near = difflib.get_close_matches(name, faults, n=1)
        remedy = f"Did you mean {near[0]}?" if near else "`rocmox lab fault list` names them."
        raise UsageError(f"{name!r} is not a fault the lab knows", remedy=remedy)
    return faults[name]
