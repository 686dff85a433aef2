"""Finds the checks (one module each in `checks/`) and runs them."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Sequence
from typing import Protocol, cast

from rocmox.errors import CannotLookError, UsageError
from rocmox.health import checks
from rocmox.health.context import Context
from rocmox.health.result import Result, Verdict


class Check(Protocol):
    """What a module of `checks/` offers: its name is the module's."""

    LEVEL: int

    def run(self, context: Context) -> Iterable[Result]: ...


def check_names() -> list[str]:
    """Every check, in alphabetical order."""
    return sorted(module.name for module in pkgutil.iter_modules(checks.__path__))


def run_checks(context: Context, *, only: Sequence[str] = (), level: int = 1) -> list[Result]:
    """The results of the named checks, or of all up to `level`; UsageError for a name that is no check."""
    names = check_names()
    for name in only:
        if name not in names:
            raise UsageError(f"{name!r} is no check", remedy=f"The checks are: {', '.join(names)}.")
    results: list[Result] = []
    for name in only or names:
        check = cast("Check", importlib.import_module(f"{checks.__name__}.{name}"))
        if only or level >= check.LEVEL:
            results += _run(name, check, context)
    return results


def _run(name: str, check: Check, context: Context) -> list[Result]:
    try:
        return list(check.run(context))
    except CannotLookError as error:
        result = Result(
            check=name,
            code=f"{name.upper()}_CANNOT_LOOK",
            verdict=Verdict.UNKNOWN,
            subject=context.machine.name,
            summary=error.message,
            remedy=error.remedy,
        )
        return [result]
