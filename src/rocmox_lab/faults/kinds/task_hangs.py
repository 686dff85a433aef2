"""A task stands still at a chosen step until the fault is cleared; then it goes on."""

from __future__ import annotations

from rocmox_lab.faults.fault import Fault, Values
from rocmox_lab.faults.kinds._operations import OPERATION
from rocmox_lab.faults.orders import order_operation
from rocmox_lab.faults.target import FaultTarget


def apply(target: FaultTarget, values: Values) -> None:
    """Order the standstill."""
    order_operation(target, FAULT.name, values, {"act": "hang"})


FAULT = Fault(
    name="task-hangs",
    summary="a task stands still at one of its steps until the fault is cleared",
    parameters=OPERATION,
    apply=apply,
    counts=True,
)
