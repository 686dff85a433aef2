"""An answer whose body ends half-way, with the connection closed in good order."""

from __future__ import annotations

from rocmox_lab.faults.fault import Fault, Values
from rocmox_lab.faults.orders import CALL, order_call
from rocmox_lab.faults.target import FaultTarget


def apply(target: FaultTarget, values: Values) -> None:
    """Order half a body."""
    order_call(target, FAULT.name, values, {"act": "truncate", "when": "after"})


FAULT = Fault(
    name="api-truncated",
    summary="the call is carried out, and the body of its answer ends half-way",
    parameters=CALL,
    apply=apply,
    counts=True,
)
