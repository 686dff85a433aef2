"""Finds the checks (one module each in `checks/`) and runs them.

A check's name is its module's. A check runs when `LEVEL` is at most the level asked for; one that is named runs at its
own `LEVEL` at least. How far it goes then it reads from `context.level`.
"""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
from collections.abc import Iterable, Sequence
from typing import Protocol, cast

from rocmox.errors import CannotLookError, UsageError
from rocmox.health import checks
from rocmox.health.context import Context
from rocmox.health.result import Reporter, Result


class Check(Protocol):
    """What a module of `checks/` offers: `LEVEL` is the lowest level (1, 2 or 3) at which it has something to say."""

    LEVEL: int

    def run(self, context: Context) -> Iterable[Result]: ...


def check_names() -> list[str]:
    """Every check, in alphabetical order."""
    return sorted(module.name for module in pkgutil.iter_modules(checks.__path__))


def run_checks(context: Context, *, only: Sequence[str] = ()) -> list[Result]:
    """The results of the named checks, or of all up to the context's level; UsageError for an unknown name."""
    names = check_names()
    for name in only:
        if name not in names:
            raise UsageError(f"{name!r} is not a check", remedy=f"The checks are: {', '.join(names)}.")
    results: list[Result] = []
    for name in only or names:
        check = cast("Check", importlib.import_module(f"{checks.__name__}.{name}"))
        if only or context.level >= check.LEVEL:
            results += _run(name, check, dataclasses.replace(context, level=max(context.level, check.LEVEL)))
    return results


def _run(name: str, check: Check, context: Context) -> list[Result]:
    """The check's results; what stops it is one UNKNOWN result, so that the other checks still speak."""
    report = Reporter(name)
    results: list[Result] = []
    try:
        results += check.run(context)
    except CannotLookError as error:
        results.append(_unknown(report, f"{name.upper()}_CANNOT_LOOK", context, error.message, error.remedy))
    except OSError as error:
        results.append(_unknown(report, f"{name.upper()}_CANNOT_LOOK", context, str(error), ""))
    except Exception as error:  # noqa: BLE001 - a defect of one check must not silence the others
        place = error.__traceback__
        while place and place.tb_next:
            place = place.tb_next
        where = f"{place.tb_frame.f_code.co_filename}:{place.tb_lineno}" if place else "unknown place"
        what = f"a defect of rocmox stopped this check: {type(error).__name__}: {error} ({where})"
        results.append(_unknown(report, f"{name.upper()}_DEFECT", context, what, "Please report this line."))
    return results


def _unknown(report: Reporter, code: str, context: Context, summary: str, remedy: str) -> Result:
    return report.unknown(code, context.machine.name, summary, remedy=remedy)
