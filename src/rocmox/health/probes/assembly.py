"""Probes of several modules: their sources travel together as one program, so nothing is installed."""

from __future__ import annotations

import json
import pkgutil
from collections.abc import Sequence
from typing import Any

from rocmox.errors import CannotLookError
from rocmox.machine import Machine

# Each module is made under its own full name; Python finds it there and never looks for the packages above it.
_PROGRAM = """
import json, sys, types
for name, source in json.loads({sources!r}):
    module = types.ModuleType(name)
    sys.modules[name] = module
    if "." in name and name.rpartition(".")[0] in sys.modules:
        setattr(sys.modules[name.rpartition(".")[0]], name.rpartition(".")[2], module)
    exec(compile(source, name, "exec"), module.__dict__)
print(json.dumps(module.main(json.loads(sys.argv[1]))))
"""
_START_SECONDS = 20  # for the way there, Python's start, and the probe's own end


def assemble(names: Sequence[str]) -> bytes:
    """One program of the named modules of this package, each after those it imports; the last one is asked."""
    package = __package__ or ""
    sources = [(package, "")]
    for name in names:
        data = pkgutil.get_data(package, f"{name}.py")
        if data is None:
            raise CannotLookError(f"the probe {name} is not part of this installation")
        sources.append((f"{package}.{name}", data.decode()))
    return _PROGRAM.format(sources=json.dumps(sources)).encode()


def run_assembled(machine: Machine, names: Sequence[str], question: dict[str, Any], *, limit_seconds: float) -> Any:
    """The last module's answer; CannotLookError when it cannot run there or answers with something else than JSON."""
    done = machine.run(
        ["python3", "-I", "-", json.dumps({**question, "limit_seconds": limit_seconds})],
        stdin=assemble(names),
        timeout_seconds=limit_seconds + _START_SECONDS,
    ).check(remedy="The probe needs Python 3 on the machine under test: apt install python3.")
    try:
        return json.loads(done.stdout)
    except ValueError as error:
        raise CannotLookError(f"the probe {names[-1]} answered {done.stdout[:200]!r}") from error
