"""Faults that the node itself carries out: an order beside the record, met by its API server and its task workers.

`rocmox_lab.pve.faults` reads the orders; only calls that match count, so that the n-th one can be chosen.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from rocmox_lab.faults.fault import Parameter, Values
from rocmox_lab.faults.record_file import write_record
from rocmox_lab.faults.target import FaultTarget

COUNTING = (
    Parameter(name="after", default=0, meaning="how many matching events pass before it fires"),
    Parameter(name="times", default=1, meaning="how often it fires; 0 is without end"),
    Parameter(name="chance", default=100, meaning="percent of the matching events that it hits, drawn from `seed`"),
    Parameter(name="seed", default=0, meaning="of the draw"),
)
CALL = (
    Parameter(name="method", default="*", meaning="HTTP method of the calls it waits for"),
    Parameter(name="path", default="*", meaning="path of the calls, with * for any text (`/nodes/*/lxc`)"),
    *COUNTING,
)
WHEN = Parameter(
    name="when",
    default="before",
    choices=("before", "after"),
    meaning="before or after the API has done what the call asks",
)


def order_call(target: FaultTarget, name: str, values: Values, act: Mapping[str, Any]) -> None:
    """Order something for calls of the API."""
    _order(target, name, values, {"point": "call", "match": f"{values['method']} {values['path']}", **act})


def order_operation(target: FaultTarget, name: str, values: Values, act: Mapping[str, Any]) -> None:
    """Order something for what the node does with a guest (`start 101`), within the task that does it."""
    _order(target, name, values, {"point": "operation", "match": f"{values['operation']} {values['vmid']}", **act})


def note_firing(target: FaultTarget, name: str, subject: str) -> None:
    """A counting fault that fired while it was set."""
    with (target.faults / f"{name}.fired").open("a", encoding="utf-8") as log:
        log.write(f"{time.time():.3f} {subject}\n")


def _order(target: FaultTarget, name: str, values: Values, order: Mapping[str, Any]) -> None:
    counting = {parameter.name: values[parameter.name] for parameter in COUNTING}
    write_record(target, name, {"parameters": dict(values), "order": {**counting, **order}})
