"""A task fails at a chosen step, with the text of one's choice in its log and its exit status."""

from __future__ import annotations

from rocmox_lab.faults.fault import Fault, Parameter, Values
from rocmox_lab.faults.kinds._operations import OPERATION
from rocmox_lab.faults.orders import order_operation
from rocmox_lab.faults.target import FaultTarget


def apply(target: FaultTarget, values: Values) -> None:
    """Order the failure."""
    order_operation(target, FAULT.name, values, {"act": "fail", "message": values["message"]})


FAULT = Fault(
    name="task-fails",
    summary="a task fails at one of its steps",
    parameters=(Parameter(name="message", default="failed by rocmox lab fault", meaning="why, in the log"), *OPERATION),
    apply=apply,
    counts=True,
)
