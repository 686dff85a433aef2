"""Work in a child process with a time limit: whatever becomes of it is an answer. Travels to the machine under test.

The child writes one JSON object per line to a pipe: what it is about to do, and what it found. So a crash or a hang
still says during which call it happened, and keeps what was found before.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

_GRACE_SECONDS = 2.0  # a killed process that is still there after this sleeps in the kernel (state D)
_LAST_WORDS = 400  # characters of standard error kept as evidence
_PIECE = 65536

Say = Callable[[dict[str, Any]], None]


def run_limited(work: Callable[[Say], None], limit_seconds: float) -> dict[str, Any]:
    """What `work` said, and how it ended.

    `end` is "done", "exit" (`exit_status`), "signal" (`signal`), "timeout" or "stuck" (it outlives SIGKILL).
    `said` is the list of its objects, `stderr` its last words, `seconds` how long it took.
    """
    speech, words = os.pipe(), os.pipe()
    started = time.monotonic()
    child = os.fork()
    if child == 0:
        _be_the_child(work, speech, words)
    os.close(speech[1])
    os.close(words[1])
    heard, in_time = _listen({speech[0]: b"", words[0]: b""}, started + limit_seconds)
    status = _reap(child, killed=not in_time)
    os.close(speech[0])
    os.close(words[0])
    return {
        **_ending(status, in_time=in_time),
        "said": _objects(heard[speech[0]]),
        "stderr": heard[words[0]].decode(errors="replace").strip()[-_LAST_WORDS:],
        "seconds": round(time.monotonic() - started, 3),
    }


def _be_the_child(work: Callable[[Say], None], speech: tuple[int, int], words: tuple[int, int]) -> None:
    """Never returns: what runs after the fork in the child must not be the parent's program."""
    try:
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, 0)
        os.dup2(nothing, 1)
        os.dup2(words[1], 2)
        work(lambda thing: _write(speech[1], json.dumps(thing).encode() + b"\n"))
        _write(speech[1], b'{"end": "done"}\n')
    except BaseException as error:  # noqa: BLE001 - the parent reads it from standard error and says so
        os.write(2, f"{type(error).__name__}: {error}\n".encode())
        os._exit(70)
    sys.stderr.flush()
    os._exit(0)


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def _listen(heard: dict[int, bytes], deadline: float) -> tuple[dict[int, bytes], bool]:
    """Everything until both pipes close; False when the deadline came first."""
    waiting = set(heard)
    while waiting:
        left = deadline - time.monotonic()
        ready = select.select(list(waiting), [], [], max(left, 0))[0]
        if not ready and left <= 0:
            return heard, False
        for descriptor in ready:
            piece = os.read(descriptor, _PIECE)
            heard[descriptor] += piece
            if not piece:
                waiting.discard(descriptor)
    return heard, True


def _reap(child: int, *, killed: bool) -> int | None:
    """The wait status of the child (and of its own children); None when it does not even die of SIGKILL."""
    if killed:
        _kill(child)
    deadline = time.monotonic() + _GRACE_SECONDS
    while time.monotonic() < deadline:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return status
        time.sleep(0.01)
        if not killed and time.monotonic() > deadline - _GRACE_SECONDS / 2:
            _kill(child)
            killed = True
    return None


def _kill(child: int) -> None:
    for kill in (os.killpg, os.kill):
        try:
            kill(child, signal.SIGKILL)
        except ProcessLookupError:
            continue


def _ending(status: int | None, *, in_time: bool) -> dict[str, Any]:
    if status is None:
        return {"end": "stuck"}
    if not in_time:
        return {"end": "timeout"}
    if os.WIFSIGNALED(status):
        return {"end": "signal", "signal": _signal_name(os.WTERMSIG(status))}
    code = os.WEXITSTATUS(status)
    return {"end": "exit", "exit_status": code} if code else {"end": "done"}


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # the real-time signals between SIGRTMIN and SIGRTMAX have no names
        return f"signal {number}"


def _objects(text: bytes) -> list[dict[str, Any]]:
    """The whole lines among what was said; a half one belongs to a call that never ended."""
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith(b"\n")]
