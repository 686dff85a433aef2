"""Faults as text and as JSON."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from rocmox_lab.faults.fault import Fault
from rocmox_lab.faults.records import SetFault, faults_set
from rocmox_lab.faults.registry import all_faults
from rocmox_lab.faults.target import FaultTarget


def print_faults(target: FaultTarget | None, *, json_wanted: bool, only: str = "") -> None:
    """Every kind of fault (or one) with its parameters; with a running lab also what is set."""
    faults = [fault for fault in all_faults().values() if only in {"", fault.name}]
    standing = faults_set(target) if target else []
    if json_wanted:
        _print(
            {"faults": [_describe(fault) for fault in faults], "set": [dataclasses.asdict(each) for each in standing]}
        )
        return
    for fault in faults:
        print(f"{fault.name:<20} {fault.summary}")
        for each in fault.parameters if only else ():
            choices = f" ({', '.join(map(str, each.choices))})" if each.choices else ""
            print(f"  {f'{each.name}={each.default}':<18} {each.meaning}{choices}")
    print(_sentence(standing))


def print_set(target: FaultTarget, *, json_wanted: bool) -> None:
    """What is set, and how often it fired."""
    standing = faults_set(target)
    if json_wanted:
        _print({"set": [dataclasses.asdict(each) for each in standing]})
    else:
        print(_sentence(standing))


def _describe(fault: Fault) -> dict[str, Any]:
    parameters = [dataclasses.asdict(parameter) for parameter in fault.parameters]
    return {"name": fault.name, "summary": fault.summary, "parameters": parameters}


def _sentence(standing: list[SetFault]) -> str:
    if not standing:
        return "no fault is set"
    return "\n".join(f"set: {each.name}{_words(each)}, fired {each.fired} times" for each in standing)


def _words(each: SetFault) -> str:
    return "".join(f" {key}={value}" for key, value in each.values.items())


def _print(document: dict[str, Any]) -> None:
    print(json.dumps({"schema_version": 1, **document}, indent=2))
