"""Asynchronous tasks: their UPID, waiting with back-off, their log.

`UPID:node:pid:pstart:start:type:id:user:` (`PVE::UPID`); `exitstatus` is `OK`, `WARNINGS: n` (a success) or the error.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable

from rocmox.errors import AuthenticationError, MachineError, PermissionDeniedError, ProxmoxError, TaskFailedError
from rocmox.proxmox.api import Node

# The quickest task (a start) takes a second on a real node, and each poll is a call.
_FIRST_POLL_SECONDS = 0.3
_BACK_OFF = 1.6
_LONGEST_POLL_SECONDS = 2.0
_LOG_LINES_SHOWN = 15
_ERRORS_IN_A_ROW = 3
_UPID_FIELDS = 9


@dataclasses.dataclass(frozen=True, kw_only=True)
class Task:
    """A task as a list or a status shows it."""

    upid: str
    node: str
    type: str
    id: str
    user: str
    running: bool
    exit_status: str | None = None

    @classmethod
    def from_upid(cls, upid: str) -> Task:
        """The task a call has just started."""
        fields = upid.split(":")
        if len(fields) != _UPID_FIELDS or fields[0] != "UPID":
            raise ProxmoxError(f"Proxmox VE answered {upid!r} where a task id was expected")
        return cls(upid=upid, node=fields[1], type=fields[5], id=fields[6], user=fields[7], running=True)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Clock:
    """Time, replaceable in tests; both in seconds."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


REAL_CLOCK = Clock()


def wait_for(node: Node, upid: str, *, timeout_seconds: float, clock: Clock = REAL_CLOCK) -> tuple[str, ...]:
    """Wait for a task's end; returns its warnings (log lines), empty for `OK`.

    Polls 0.3 s after the call, then ever more rarely, at most every 2 s. A connection lost meanwhile is waited out,
    and so are a few errors of the API: the task runs whether somebody watches it or not.
    Raises TaskFailedError with the end of the task's log, also when the time is up.
    """
    task = Task.from_upid(upid)
    deadline = clock.now() + timeout_seconds
    pause = _FIRST_POLL_SECONDS
    watch = _Watch(node, task)
    while True:
        clock.sleep(pause)
        pause = min(pause * _BACK_OFF, _LONGEST_POLL_SECONDS)
        exit_status = watch.exit_status(last=clock.now() >= deadline)
        if exit_status is not None:
            return _judge(node, task, exit_status)
        if clock.now() >= deadline:
            raise TaskFailedError(
                f"task {task.type} {task.id} on {task.node} still runs after {timeout_seconds:g} s\n"
                f"{_tail(node, task)}",
                remedy=f"It goes on by itself. Follow it with `pvenode task log {upid}`, then run again; "
                "a slow storage needs a longer timeout variable.",
            )


def log_of(node: Node, upid: str) -> list[str]:
    """The lines of a task's log."""
    lines = node.api.get(_path(node, Task.from_upid(upid), "log"), {"limit": 500})
    return [str(line.get("t", "")) for line in lines] if isinstance(lines, list) else []


def active(node: Node, vmid: int | None = None) -> list[Task]:
    """The running tasks of one guest, or all of the node."""
    only: dict[str, str | int] = {} if vmid is None else {"vmid": vmid}
    found = node.api.get(node.path("tasks"), {"source": "active", **only})
    return [Task.from_upid(str(entry["upid"])) for entry in found if "endtime" not in entry]


class _Watch:
    """Asks for one task's end, and counts how often in a row the API did not say."""

    def __init__(self, node: Node, task: Task) -> None:
        self._node = node
        self._task = task
        self._errors = 0

    def exit_status(self, *, last: bool) -> str | None:
        """None while the task runs, or when the API did not answer this time; `last`: there is no next time."""
        try:
            status = self._node.api.get(_path(self._node, self._task, "status"))
        except (AuthenticationError, PermissionDeniedError):
            raise
        except (MachineError, ProxmoxError) as error:
            self._errors += isinstance(error, ProxmoxError)
            if last or self._errors > _ERRORS_IN_A_ROW:
                task = self._task
                raise MachineError(
                    f"whether task {task.type} {task.id} on {task.node} has ended is unknown: {error.message}",
                    remedy=f"`pvenode task status {task.upid}` on the node tells. Then run again: a run goes on from "
                    "what it finds.",
                ) from error
            return None
        self._errors = 0
        return None if status.get("status") == "running" else str(status.get("exitstatus") or "unknown")


def _judge(node: Node, task: Task, exit_status: str) -> tuple[str, ...]:
    if exit_status == "OK":
        return ()
    if exit_status.startswith("WARNINGS"):
        return tuple(line for line in log_of(node, task.upid) if line.startswith("WARN")) or (exit_status,)
    raise TaskFailedError(
        f"task {task.type} {task.id} on {task.node} failed: {exit_status}\n{_tail(node, task)}",
        remedy="The end of the task's log stands above. Fix the cause and run again: a run continues from what it "
        "finds.",
    )


def _tail(node: Node, task: Task) -> str:
    try:
        lines = log_of(node, task.upid)[-_LOG_LINES_SHOWN:]
    except (ProxmoxError, MachineError) as error:
        return f"  (its log cannot be read: {error.message})"
    return "\n".join(f"  | {line}" for line in lines) or "  (its log is empty)"


def _path(node: Node, task: Task, what: str) -> str:
    """The node in the UPID is the one that knows the task."""
    return Node(api=node.api, name=task.node).path("tasks", task.upid, what)
