"""Orders within tasks: a runtime that fails, stands still or dies at the ordered step, and else does its work."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from rocmox_lab.pve.faults.orders import due
from rocmox_lab.pve.runtime_protocol import GuestRuntime, GuestSpec, RuntimeFailedError

_STEPS = {"create_volume", "unpack", "start", "stop", "shutdown", "resize_volume", "destroy", "free_volume"}
_IN_PATH = re.compile(r"/(\d+)/[^/]*$")
_LOOK_SECONDS = 0.1


class BreakableRuntime:
    """Stands in front of a runtime; looks for orders at the steps of tasks."""

    def __init__(self, orders: Path, runtime: GuestRuntime) -> None:
        self._orders = orders
        self._runtime = runtime

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._runtime, name)
        return self._step(name, found) if name in _STEPS else found

    def _step(self, name: str, action: Callable[..., Any]) -> Callable[..., Any]:
        def step(*arguments: Any, **keywords: Any) -> Any:
            obey(self._orders, f"{name} {_vmid_of(arguments, keywords)}")
            return action(*arguments, **keywords)

        return step


def breakable(orders: Path, runtime: GuestRuntime) -> GuestRuntime:
    """The runtime with the orders of a folder in front of it."""
    return cast("GuestRuntime", BreakableRuntime(orders, runtime))


def obey(orders: Path, subject: str) -> None:
    """Carry out an order that is due at this step. RuntimeFailedError, a standstill, or the end of this process."""
    order = due(orders, "operation", subject)
    if order is None:
        return
    if order.act == "fail":
        raise RuntimeFailedError(str(order.details["message"]))
    if order.act == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    while order.act == "hang" and order.stands:
        time.sleep(_LOOK_SECONDS)


def _vmid_of(arguments: tuple[Any, ...], keywords: dict[str, Any]) -> str:
    """The guest a step is about: a specification, a number, or a volume's path."""
    first = arguments[0] if arguments else keywords.get("vmid", keywords.get("path", ""))
    if isinstance(first, GuestSpec):
        return str(first.vmid)
    match = _IN_PATH.search(str(first))
    return match[1] if match else str(first)
