"""Tasks: `/nodes/{node}/tasks` and below (PVE::API2::Tasks)."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

from rocmox_lab.pve.access.rights import split_token
from rocmox_lab.pve.answers import BadParameterError
from rocmox_lab.pve.call import Call, route
from rocmox_lab.pve.formats import split_list
from rocmox_lab.pve.tasks import INTERRUPTED, Finished, TaskFiles, TaskId

DEFAULT_LIMIT = 50
KILL_AFTER_SECONDS = 5


def _may_see_all(call: Call) -> bool:
    return call.rights.has(call.user, f"/nodes/{call.node.name}", "Sys.Audit")


def _mine(call: Call, task: TaskId) -> bool:
    return split_token(task.user)[0] == split_token(call.user)[0] or task.user == call.user


def finished_tasks(call: Call) -> list[dict[str, Any]]:
    """Ended tasks that the caller may see, newest first."""
    everything = _may_see_all(call)
    return [
        {**entry.task.shown(), "endtime": entry.endtime, "status": entry.status}
        for entry in TaskFiles(call.node).finished()
        if (everything or _mine(call, entry.task)) and _passes(call, entry)
    ]


def _passes(call: Call, entry: Finished) -> bool:
    task = entry.task
    if call.flag("errors") and not entry.failed:
        return False
    states = split_list(call.text("statusfilter") or "")
    state = "ok" if entry.status == "OK" else "warning" if not entry.failed else "error"
    if states and state not in states:
        return False
    if "typefilter" in call.parameters and task.type != call.need("typefilter"):
        return False
    if "vmid" in call.parameters and task.id != call.need("vmid"):
        return False
    if "userfilter" in call.parameters and call.need("userfilter").lower() not in task.user.lower():
        return False
    since, until = call.number("since"), call.number("until")
    return task.starttime >= since and not (until and task.starttime > until)


@route("GET /nodes/{node}/tasks")
def tasks(call: Call) -> list[dict[str, Any]]:
    """Ended tasks, running ones, or both."""
    source = call.text("source", "archive")
    lines: list[dict[str, Any]] = []
    if source in {"active", "all"}:
        running = TaskFiles(call.node).active()
        seen = [task for task in running if _may_see_all(call) or _mine(call, task)]
        lines += [
            {**task.shown(), "status": "RUNNING"}
            for task in seen
            if call.text("vmid") in {None, task.id} and call.text("typefilter") in {None, task.type}
        ]
    if source in {"archive", "all"}:
        lines += finished_tasks(call)
    if lines:
        call.attributes["total"] = len(lines)
    start = call.number("start")
    return lines[start : start + call.number("limit", DEFAULT_LIMIT)]


def _task(call: Call) -> TaskId:
    task = TaskId.parse(call.need("upid"))
    if task is None:
        raise BadParameterError({"upid": "unable to parse worker upid"})
    return task


def _check_access(call: Call, task: TaskId, privilege: str = "Sys.Audit") -> None:
    if not _mine(call, task):
        call.rights.need(call.user, f"/nodes/{call.node.name}", [privilege])


@route("GET /nodes/{node}/tasks/{upid}")
def index(_call: Call) -> list[dict[str, str]]:
    """What there is below."""
    return [{"name": "log"}, {"name": "status"}]


@route("GET /nodes/{node}/tasks/{upid}/status")
def status(call: Call) -> dict[str, Any]:
    """Running or how it ended."""
    task, files = _task(call), TaskFiles(call.node)
    if not files.log_path(task).exists():
        raise BadParameterError({"upid": "no such task"})
    _check_access(call, task)
    end = files.end_of(task)
    shown = task.shown()
    return {**shown, "status": "running"} if end is None else {**shown, "status": "stopped", "exitstatus": end}


@route("GET /nodes/{node}/tasks/{upid}/log")
def log(call: Call) -> Any:
    """Lines of the log; the whole text for `download`."""
    task, files = _task(call), TaskFiles(call.node)
    _check_access(call, task)
    path = files.log_path(task)
    if not path.exists():
        call.attributes["total"] = 1
        line = {"n": 1, "t": "unable to open file - No such file or directory"}
        return [line] if call.node.modern else line
    text = path.read_text(encoding="utf-8", errors="replace")
    if call.flag("download"):
        call.attributes["download"] = text
        return None
    lines = text.splitlines()
    call.attributes["total"] = len(lines)
    start, limit = call.number("start"), call.number("limit", DEFAULT_LIMIT)
    stop = len(lines) if limit == 0 else start + limit
    return [{"n": number, "t": line} for number, line in enumerate(lines[start:stop], start=start + 1)]


def _kill(pid: int, number: signal.Signals) -> None:
    """The worker with everything it started, when it leads a group of its own; kindly, the worker alone."""
    try:
        if number == signal.SIGKILL and os.getpgid(pid) == pid:
            os.killpg(pid, number)
        else:
            os.kill(pid, number)
    except ProcessLookupError:
        return


@route("DELETE /nodes/{node}/tasks/{upid}")
def stop(call: Call) -> None:
    """End a running task: first kindly, then not."""
    task, files = _task(call), TaskFiles(call.node)
    _check_access(call, task, "Sys.Modify")
    pid = files.worker_pid(task)
    if pid is None or pid == os.getpid():
        return
    _kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + KILL_AFTER_SECONDS
    while files.worker_pid(task) is not None and time.monotonic() < deadline:
        time.sleep(0.1)
    if files.worker_pid(task) is not None:
        _kill(pid, signal.SIGKILL)
    if files.end_of(task) is None:
        files.finish(task, INTERRUPTED)
