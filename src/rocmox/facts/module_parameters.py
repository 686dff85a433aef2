"""Parameters of loaded modules (`/sys/module/NAME/parameters`), as they are now."""

from __future__ import annotations

import re

from rocmox.errors import CannotLookError
from rocmox.facts.reading import read_text
from rocmox.machine.base import Machine

_SAFE_NAME = re.compile(r"\w{1,60}")


def parse_switch(text: str) -> bool:
    """`"Y"` or `"1"` as True, `"N"` or `"0"` as False (lib/kstrtox.c, param_get_bool); CannotLookError for the rest."""
    word = text.strip()
    if word in {"Y", "1"}:
        return True
    if word in {"N", "0"}:
        return False
    raise CannotLookError(f"{word[:40]!r} is neither Y nor N")


def read_parameter(machine: Machine, module: str, name: str) -> str:
    """One parameter's text; CannotLookError when the module is not loaded or does not have it."""
    if not (_SAFE_NAME.fullmatch(module) and _SAFE_NAME.fullmatch(name)):
        raise CannotLookError(f"{module}.{name} is not a module parameter")
    return read_text(machine, parameter_path(module, name))


def parameter_path(module: str, name: str) -> str:
    """Where the kernel shows it."""
    return f"/sys/module/{module}/parameters/{name}"
