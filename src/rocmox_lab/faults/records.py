"""Set, clear and count faults of one node. The record is written first, so a half-applied fault can be cleared."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from rocmox_lab.faults.fault import Fault, Value, Values
from rocmox_lab.faults.record_file import read_record, write_record
from rocmox_lab.faults.registry import all_faults, find_fault
from rocmox_lab.faults.target import FaultTarget

_SUFFIXES = (".json", ".count", ".fired")


@dataclasses.dataclass(frozen=True, kw_only=True)
class SetFault:
    """A fault that is set: its values, and how often it fired."""

    name: str
    values: Mapping[str, Value]
    fired: int


def set_fault(target: FaultTarget, fault: Fault, values: Values) -> None:
    """Apply a fault; one that is set already is cleared first. Its count starts at 0."""
    clear_fault(target, fault.name)
    target.faults.mkdir(mode=0o755, parents=True, exist_ok=True)
    write_record(target, fault.name, {"parameters": dict(values)})
    try:
        fault.apply(target, values)
    except BaseException:
        clear_fault(target, fault.name)
        raise


def clear_fault(target: FaultTarget, name: str) -> bool:
    """Undo a fault; False when it is not set."""
    record = target.faults / f"{name}.json"
    if not record.exists():
        return False
    values = read_record(target, name)["parameters"]
    find_fault(name).clear(target, values)
    for suffix in _SUFFIXES:
        (target.faults / f"{name}{suffix}").unlink(missing_ok=True)
    return True


def clear_all(target: FaultTarget) -> list[str]:
    """Undo every fault that is set; their names."""
    return [fault.name for fault in faults_set(target) if clear_fault(target, fault.name)]


def faults_set(target: FaultTarget) -> list[SetFault]:
    """What is set now."""
    names = sorted(path.stem for path in target.faults.glob("*.json")) if target.faults.is_dir() else []
    return [
        SetFault(name=name, values=read_record(target, name)["parameters"], fired=fired_count(target, name))
        for name in names
        if name in all_faults()
    ]


def fired_count(target: FaultTarget, name: str) -> int:
    """How often a fault that is set has fired."""
    if not find_fault(name).counts:
        return int((target.faults / f"{name}.json").exists())
    try:
        return len((target.faults / f"{name}.fired").read_text(encoding="utf-8").splitlines())
    except FileNotFoundError:
        return 0
