"""The ticket of a call expires there and then: it is refused from that call on, a new one is accepted."""

from __future__ import annotations

from rocmox_lab.faults.fault import Fault, Values
from rocmox_lab.faults.orders import CALL, order_call
from rocmox_lab.faults.target import FaultTarget


def apply(target: FaultTarget, values: Values) -> None:
    """Order the end of the ticket."""
    order_call(target, FAULT.name, values, {"act": "expire", "when": "before"})


FAULT = Fault(
    name="ticket-expired",
    summary="the ticket that a call carries expires; a new login is accepted",
    parameters=CALL,
    apply=apply,
    counts=True,
)
