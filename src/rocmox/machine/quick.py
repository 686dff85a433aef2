"""Reads many small files of a remote machine through one process there, instead of one process for each.

A look at three cards asks five hundred times: over SSH that is the difference between one second and ten. Where the
process cannot start or dies, every question goes the slow way; answers are the same.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import pkgutil
import selectors
import subprocess
import time
import weakref
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from rocmox.errors import MachineError
from rocmox.machine.base import Completed, Machine

# Only files that end: a read of a device node may wait forever.
_QUICK = ("/sys/", "/proc/", "/boot/", "/etc/", "/usr/", "/opt/", "/run/", "/lib/", "/var/")
_START_SECONDS, _ANSWER_SECONDS = 30.0, 60.0
_CHUNK_BYTES = 1 << 16


@runtime_checkable
class Reachable(Protocol):
    """A machine that can say how a command on it is started from here."""

    def command_line(self, argv: Sequence[str]) -> list[str]:
        """The local command that runs `argv` there."""


def quick(machine: Machine) -> Machine:
    """The machine itself when it is near; one that reads quickly when it is reached through commands."""
    return QuickMachine(machine, machine.command_line) if isinstance(machine, Reachable) else machine


class _Gone(Exception):  # noqa: N818 - it never leaves this module
    """The process there does not answer any more."""


class QuickMachine:
    """Asks a process on the machine; runs commands as the machine itself does."""

    def __init__(self, inner: Machine, command_line: Any) -> None:
        self.name = inner.name
        self._inner = inner
        self._command_line = command_line
        self._process: subprocess.Popen[bytes] | None = None
        self._waiting = b""
        self._is_slow = False

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes | None = None,
        timeout_seconds: float = 60,
        environment: Mapping[str, str] | None = None,
    ) -> Completed:
        return self._inner.run(argv, stdin=stdin, timeout_seconds=timeout_seconds, environment=environment)

    def read_bytes(self, path: str) -> bytes:
        found, value = self._ask("read", path)
        return base64.b64decode(value) if found else self._inner.read_bytes(path)

    def exists(self, path: str) -> bool:
        found, value = self._ask("exists", path)
        return bool(value) if found else self._inner.exists(path)

    def list_directory(self, path: str) -> list[str]:
        found, value = self._ask("list", path)
        return list(value) if found else self._inner.list_directory(path)

    def resolve_link(self, path: str) -> str:
        found, value = self._ask("resolve", path)
        return str(value) if found else self._inner.resolve_link(path)

    def close(self) -> None:
        """End the process there."""
        process, self._process = self._process, None
        if process:
            _end(process)

    def _ask(self, operation: str, path: str) -> tuple[bool, Any]:
        """(True, value), or (False, …) when the slow way must answer; OSError with the kernel's number."""
        if self._is_slow or not f"{path}/".startswith(_QUICK):
            return False, None
        try:
            answer = self._exchange({"op": operation, "path": path})
        except _Gone:
            self._is_slow = True
            self.close()
            return False, None
        if "errno" in answer:
            raise OSError(answer["errno"], os.strerror(answer["errno"]), path)
        return True, answer["value"]

    def _exchange(self, question: dict[str, str]) -> dict[str, Any]:
        process = self._process or self._start()
        stdin = process.stdin
        if stdin is None:
            raise _Gone
        try:
            stdin.write(json.dumps(question).encode() + b"\n")
            stdin.flush()
        except OSError as error:
            raise _Gone from error
        return self._answer(process, _ANSWER_SECONDS)

    def _start(self) -> subprocess.Popen[bytes]:
        source = pkgutil.get_data(__package__, "reader_loop.py") or b""
        command = self._command_line(["python3", "-I", "-u", "-c", source.decode()])
        try:
            process = subprocess.Popen(  # the finalizer below ends it
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
        except OSError as error:
            raise _Gone from error
        self._process = process
        weakref.finalize(self, _end, process)
        if self._answer(process, _START_SECONDS).get("value") != "ready":
            raise _Gone
        return process

    def _answer(self, process: subprocess.Popen[bytes], seconds: float) -> dict[str, Any]:
        """One line; MachineError when none comes in time, for then a file there hangs and no other way is better."""
        if process.stdout is None:
            raise _Gone
        until = time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            while b"\n" not in self._waiting:
                if not selector.select(max(0.0, until - time.monotonic())):
                    self.close()
                    raise MachineError(f"{self.name} does not answer within {seconds:g} s")
                chunk = os.read(process.stdout.fileno(), _CHUNK_BYTES)
                if not chunk:
                    raise _Gone
                self._waiting += chunk
        line, _, self._waiting = self._waiting.partition(b"\n")
        try:
            answer = json.loads(line)
        except ValueError as error:
            raise _Gone from error
        if not isinstance(answer, dict) or not {"value", "errno"} & set(answer):
            raise _Gone
        return answer


def _end(process: subprocess.Popen[bytes]) -> None:
    for stream in (process.stdin, process.stdout):
        if stream:
            with contextlib.suppress(BrokenPipeError):
                stream.close()
    process.terminate()
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
