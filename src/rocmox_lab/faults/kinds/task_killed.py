"""The process of a task is killed at a chosen step; what it made stays (at `unpack`: `lock: create`, a volume)."""

from __future__ import annotations

from rocmox_lab.faults.fault import Fault, Values
from rocmox_lab.faults.kinds._operations import OPERATION
from rocmox_lab.faults.orders import order_operation
from rocmox_lab.faults.target import FaultTarget


def apply(target: FaultTarget, values: Values) -> None:
    """Order the kill."""
    order_operation(target, FAULT.name, values, {"act": "die"})


FAULT = Fault(
    name="task-killed",
    summary="the process of a task is killed at one of its steps, and what it had made stays",
    parameters=OPERATION,
    apply=apply,
    counts=True,
)
