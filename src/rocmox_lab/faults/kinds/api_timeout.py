"""No answer: the connection is accepted, the call is taken, and nothing comes back until the fault is cleared."""

from __future__ import annotations

from rocmox_lab.faults.fault import Fault, Parameter, Values
from rocmox_lab.faults.orders import CALL, WHEN, order_call
from rocmox_lab.faults.target import FaultTarget


def apply(target: FaultTarget, values: Values) -> None:
    """Order the silence."""
    order_call(target, FAULT.name, values, {"act": "silence", "seconds": values["seconds"], "when": values["when"]})


FAULT = Fault(
    name="api-timeout",
    summary="a call of the API is taken and never answered",
    parameters=(Parameter(name="seconds", default=600, meaning="longest silence"), WHEN, *CALL),
    apply=apply,
    counts=True,
)
