"""An HTTP error: 500 (PVE's own `die`), 503, 595 and 596 (pveproxy lost the worker or node behind it)."""

from __future__ import annotations

from rocmox_lab.faults.fault import Fault, Parameter, Values
from rocmox_lab.faults.orders import CALL, WHEN, order_call
from rocmox_lab.faults.target import FaultTarget


def apply(target: FaultTarget, values: Values) -> None:
    """Order the status; PVE's text goes into the reason phrase."""
    order_call(target, FAULT.name, values, {"act": "error", "status": values["status"], "when": values["when"]})


FAULT = Fault(
    name="api-error",
    summary="a call of the API is answered with an HTTP error",
    parameters=(
        Parameter(name="status", default=500, choices=(500, 502, 503, 504, 595, 596), meaning="the status"),
        WHEN,
        *CALL,
    ),
    apply=apply,
    counts=True,
)
