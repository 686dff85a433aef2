"""Tasks: UPIDs, logs and the index, kept in /var/log/pve/tasks as PVE does (PVE::UPID, PVE::RESTEnvironment).

A task is a worker function by name with arguments that fit into JSON. The server starts it as a process of its own
(`python -m rocmox_lab.pve.worker_process`), the command line runs it on the spot, tests may use threads.
"""

from __future__ import annotations

import dataclasses
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rocmox_lab.pve.node import Node

DIRECTORY = "/var/log/pve/tasks"
UPID = re.compile(
    r"^UPID:(?P<node>[a-zA-Z0-9](?:[a-zA-Z0-9\-]*[a-zA-Z0-9])?):(?P<pid>[0-9A-Fa-f]{8}):(?P<pstart>[0-9A-Fa-f]{8,9}):"
    r"(?P<starttime>[0-9A-Fa-f]{8}):(?P<type>[^:\s]+):(?P<id>[^:\s]*):(?P<user>[^:\s]+):$"
)
STOPPED = "unexpected status"
INTERRUPTED = "received interrupt"


@dataclasses.dataclass(frozen=True, kw_only=True)
class TaskId:
    """The parts of a UPID."""

    upid: str
    node: str
    pid: int
    pstart: int
    starttime: int
    type: str
    id: str
    user: str

    @classmethod
    def parse(cls, upid: str) -> TaskId | None:
        """None when the text is not a UPID."""
        match = UPID.match(upid)
        if match is None:
            return None
        return cls(
            upid=upid,
            node=match["node"],
            pid=int(match["pid"], 16),
            pstart=int(match["pstart"], 16),
            starttime=int(match["starttime"], 16),
            type=match["type"],
            id=match["id"],
            user=match["user"],
        )

    def shown(self) -> dict[str, Any]:
        """As the API lists it: the token's name stands apart from the user."""
        user, mark, token = self.user.partition("!")
        entry: dict[str, Any] = {
            "upid": self.upid,
            "node": self.node,
            "pid": self.pid,
            "pstart": self.pstart,
            "starttime": self.starttime,
            "type": self.type,
            "id": self.id,
            "user": user,
        }
        if mark:
            entry["tokenid"] = token
        return entry


@dataclasses.dataclass(frozen=True, kw_only=True)
class Finished:
    """A line of the index: when and how a task ended."""

    task: TaskId
    endtime: int
    status: str

    @property
    def failed(self) -> bool:
        """Everything but OK; warnings do not count."""
        return self.status != "OK" and not self.status.startswith("WARNINGS: ")


class TaskFiles:
    """Logs and indexes of one node."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._root = node.path(DIRECTORY)

    def log_path(self, task: TaskId) -> Path:
        """The log, in one of sixteen folders by the last digit of the start time."""
        return self._root / f"{task.starttime:08X}"[-1] / task.upid

    def begin(self, kind: str, name: str, user: str, *, pid: int | None = None) -> TaskId:
        """A new task of this process (or of `pid`), with an empty log."""
        number = pid if pid is not None else self._serial()
        now = int(time.time())
        start = process_start(number) or int(time.clock_gettime(time.CLOCK_BOOTTIME) * 100)
        upid = f"UPID:{self._node.name}:{number:08X}:{start:08X}:{now:08X}:{kind}:{name}:{user}:"
        task = TaskId.parse(upid)
        if task is None:
            message = f"not a UPID: {upid}"
            raise ValueError(message)
        path = self.log_path(task)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        return task

    def activate(self, task: TaskId, pid: int) -> None:
        """Note a running task and the process that does the work."""
        folder = self._root / "running"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / task.upid).write_text(f"{pid} {process_start(pid)}\n", encoding="utf-8")

    def append(self, task: TaskId, text: str) -> None:
        """Write to the log."""
        with self.log_path(task).open("a", encoding="utf-8") as stream:
            stream.write(text)

    def finish(self, task: TaskId, status: str) -> None:
        """Close the log and move the task into the index."""
        line = {"OK": "TASK OK"}.get(status) or (
            f"TASK {status}" if status.startswith("WARNINGS: ") else f"TASK ERROR: {status}"
        )
        self.append(task, line + "\n")
        with self._node.locked("rocmox-tasks"), (self._root / "index").open("a", encoding="utf-8") as stream:
            stream.write(f"{task.upid} {int(time.time()):08X} {status}\n")
        (self._root / "running" / task.upid).unlink(missing_ok=True)

    def worker_pid(self, task: TaskId) -> int | None:
        """The process of a running task, None when it has ended."""
        try:
            text = (self._root / "running" / task.upid).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        pid, start = (int(word) for word in text.split())
        return pid if process_start(pid) == start and start else None

    def active(self) -> list[TaskId]:
        """Running tasks; one whose process is gone is closed on the way."""
        folder = self._root / "running"
        names = sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []
        found = [task for name in names if (task := TaskId.parse(name))]
        alive = []
        for task in found:
            if self.worker_pid(task) is not None:
                alive.append(task)
            elif (folder / task.upid).exists():
                self.finish(task, STOPPED)
        return alive

    def finished(self) -> Iterator[Finished]:
        """Ended tasks, newest first."""
        index = self._root / "index"
        lines = index.read_text(encoding="utf-8").splitlines() if index.exists() else []
        for line in reversed(lines):
            upid, end, status = line.split(" ", 2)
            task = TaskId.parse(upid)
            if task:
                yield Finished(task=task, endtime=int(end, 16), status=status)

    def end_of(self, task: TaskId) -> str | None:
        """The exit status; None while it runs."""
        if self.worker_pid(task) is not None:
            return None
        for entry in self.finished():
            if entry.task.upid == task.upid:
                return entry.status
        self.active()
        return next((entry.status for entry in self.finished() if entry.task.upid == task.upid), STOPPED)

    def _serial(self) -> int:
        """A number for a task that has no process of its own."""
        with self._node.locked("rocmox-task-serial"):
            path = self._root / "serial"
            path.parent.mkdir(parents=True, exist_ok=True)
            number = int(path.read_text(encoding="utf-8")) + 1 if path.exists() else os.getpid() + 1
            path.write_text(str(number), encoding="utf-8")
        return number


def process_start(pid: int) -> int:
    """Start time of a process in clock ticks since boot (/proc/PID/stat, field 22); 0 when it is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return 0
    fields = text.rpartition(")")[2].split()
    return 0 if fields[0] == "Z" else int(fields[19])
