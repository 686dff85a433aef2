"""Run a task: the function registered for its type, to its exit status; in threads, processes, or here."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from rocmox_lab.pve.answers import AnswerError
from rocmox_lab.pve.node import Node
from rocmox_lab.pve.runtime_protocol import RuntimeFailedError
from rocmox_lab.pve.tasks import INTERRUPTED, TaskFiles, TaskId

WORKERS: dict[str, Callable[[Worker], None]] = {}


@dataclasses.dataclass(kw_only=True)
class Worker:
    """What a worker function gets: arguments, a log, the way to start another task."""

    node: Node
    user: str
    arguments: dict[str, Any]
    log: Callable[[str], None]
    task: TaskId
    spawn: Callable[[str, str, dict[str, Any]], str]
    warnings: int = 0

    def warn(self, text: str) -> None:
        """A warning in the log; the task ends with `WARNINGS: n`."""
        self.warnings += 1
        self.log(f"WARN: {text}")


def worker(kind: str) -> Callable[[Callable[[Worker], None]], Callable[[Worker], None]]:
    """Register a worker function for a task type."""

    def register(function: Callable[[Worker], None]) -> Callable[[Worker], None]:
        WORKERS[kind] = function
        return function

    return register


def run(job: Worker) -> str:
    """Run the function; its exit status: `OK`, `WARNINGS: n`, or the error in one line."""
    try:
        with _interruptible():
            WORKERS[job.task.type](job)
    except (AnswerError, RuntimeFailedError) as error:
        return str(error).strip().replace("\n", " ")
    except Exception as error:  # noqa: BLE001 - a worker that dies is a failed task, not a dead server
        return f"{type(error).__name__}: {error}".replace("\n", " ")
    return f"WARNINGS: {job.warnings}" if job.warnings else "OK"


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """A signal ends the work as an error, so that a half-made guest is taken back (main thread only)."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    old = {number: signal.signal(number, _interrupt) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)}
    try:
        yield
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise AnswerError(INTERRUPTED)


class Spawner:
    """Starts tasks in threads of this process (tests, in-process servers)."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.files = TaskFiles(node)

    def start(self, user: str, kind: str, name: str, arguments: dict[str, Any]) -> str:
        """A new task; returns at once with its UPID."""
        task = self.files.begin(kind, name, user)
        self.files.activate(task, os.getpid())
        threading.Thread(target=self.work, args=(task, user, arguments), daemon=True).start()
        return task.upid

    def work(self, task: TaskId, user: str, arguments: dict[str, Any]) -> str:
        """Run the task here and close it."""
        job = self.job(task, user, arguments)
        status = run(job)
        self.files.finish(task, status)
        return status

    def job(self, task: TaskId, user: str, arguments: dict[str, Any]) -> Worker:
        """The worker's view of a task."""
        return Worker(
            node=self.node,
            user=user,
            arguments=arguments,
            task=task,
            log=lambda line: self.files.append(task, line + "\n"),
            spawn=lambda kind, name, more: self.start(user, kind, name, more),
        )


class ProcessSpawner(Spawner):
    """Starts every task as a process of its own: it outlives the server, and it can be stopped."""

    def start(self, user: str, kind: str, name: str, arguments: dict[str, Any]) -> str:
        package_root = str(Path(__file__).resolve().parents[2])
        process = subprocess.Popen(
            [sys.executable, "-m", "rocmox_lab.pve.worker_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
            env={**_environment(), "PYTHONPATH": package_root, "ROCMOX_LAB_ROOT": str(self.node.root)},
        )
        task = self.files.begin(kind, name, user, pid=process.pid)
        self.files.activate(task, process.pid)
        job = {
            "upid": task.upid,
            "user": user,
            "arguments": arguments,
            "settings": dataclasses.asdict(self.node.settings),
        }
        if process.stdin is not None:
            process.stdin.write(json.dumps(job).encode())
            process.stdin.close()
        threading.Thread(target=process.wait, daemon=True).start()
        return task.upid


class InlineSpawner(Spawner):
    """Runs every task on the spot, its log on standard output too: what PVE's command line does."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        self.last_status = "OK"

    def start(self, user: str, kind: str, name: str, arguments: dict[str, Any]) -> str:
        task = self.files.begin(kind, name, user)
        self.files.activate(task, os.getpid())
        job = self.job(task, user, arguments)

        def log(line: str) -> None:
            self.files.append(task, line + "\n")
            print(line, flush=True)

        job.log = log
        self.last_status = run(job)
        self.files.finish(task, self.last_status)
        if self.last_status != "OK" and not self.last_status.startswith("WARNINGS: "):
            print(self.last_status, file=sys.stderr, flush=True)
        return task.upid


def _environment() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if not key.startswith("ROCMOX_LAB_")}
