"""The TCP connection is reset: with no byte of the answer sent, or in the middle of it."""

from __future__ import annotations

from rocmox_lab.faults.fault import Fault, Values
from rocmox_lab.faults.orders import CALL, WHEN, order_call
from rocmox_lab.faults.target import FaultTarget


def apply(target: FaultTarget, values: Values) -> None:
    """Order the reset."""
    order_call(target, FAULT.name, values, {"act": "reset", "when": values["when"]})


FAULT = Fault(
    name="api-reset",
    summary="the connection is reset: before a call is carried out, or (when=after) in the middle of its answer",
    parameters=(WHEN, *CALL),
    apply=apply,
    counts=True,
)
