"""Progress on stderr: one line per step, with what came of it and how long it took."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Iterator

_HEARTBEAT_SECONDS = 15.0


class Step:
    """A step that is under way; set `outcome` to say what came of it."""

    outcome = "done"


class Progress:
    """Prints steps as they end, and that a long one is still under way. Threads may share it."""

    def __init__(self) -> None:
        self._print_lock = threading.Lock()

    def say(self, text: str) -> None:
        """One line, at once."""
        with self._print_lock:
            print(f"  {text}", file=sys.stderr, flush=True)

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Time a step; a failing step says so and lets the error through."""
        started = time.monotonic()
        step = Step()
        ended = threading.Event()
        heartbeat = threading.Thread(target=self._beat, args=(name, started, ended), daemon=True)
        heartbeat.start()
        try:
            yield step
        except BaseException:
            step.outcome = "failed"
            raise
        finally:
            ended.set()
            heartbeat.join()
            self.say(f"{name:<34} {step.outcome:<24} {time.monotonic() - started:7.1f} s")

    def _beat(self, name: str, started: float, ended: threading.Event) -> None:
        while not ended.wait(_HEARTBEAT_SECONDS):
            self.say(f"{name:<34} {'still at it':<24} {time.monotonic() - started:7.0f} s")
