"""A machine that remembers everything it was asked and what it answered, so that a capture can answer the same."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from rocmox.errors import CommandError
from rocmox.machine.base import Completed, Machine

_Answer = TypeVar("_Answer")


@dataclasses.dataclass(frozen=True, kw_only=True)
class CommandAnswer:
    """What a command did; `reason` says why it could not be started or did not end, and then there is no status."""

    argv: tuple[str, ...]
    exit_status: int | None
    stdout: str
    stderr: str
    reason: str


class RecordingMachine:
    """Asks another machine. `errors` are the kernel's numbers by path, for files and for directories alike.

    A command that ended is not run again: a log that goes on would answer otherwise than what was judged.
    """

    replays = True

    def __init__(self, inner: Machine) -> None:
        self.name = inner.name
        self._inner = inner
        self.constructed = bool(getattr(inner, "constructed", False))
        self.replays = not self.constructed or bool(getattr(inner, "replays", False))
        self.files: dict[str, bytes] = {}
        self.listings: dict[str, list[str]] = {}
        self.links: dict[str, str] = {}
        self.existing: dict[str, bool] = {}
        self.errors: dict[str, int] = {}
        self.commands: dict[tuple[str, ...], CommandAnswer] = {}

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes | None = None,
        timeout_seconds: float = 60,
        environment: Mapping[str, str] | None = None,
    ) -> Completed:
        key = tuple(argv)
        known = self.commands.get(key)
        if known and known.exit_status is not None:
            return Completed(argv=key, exit_status=known.exit_status, stdout=known.stdout, stderr=known.stderr)
        try:
            done = self._inner.run(argv, stdin=stdin, timeout_seconds=timeout_seconds, environment=environment)
        except CommandError as error:
            self.commands[key] = CommandAnswer(
                argv=key, exit_status=None, stdout="", stderr="", reason=error.message.partition("\n")[0]
            )
            raise
        self.commands[key] = CommandAnswer(
            argv=key, exit_status=done.exit_status, stdout=done.stdout, stderr=done.stderr, reason=""
        )
        return done

    def read_bytes(self, path: str) -> bytes:
        return self._keep(path, self.files, self._inner.read_bytes)

    def list_directory(self, path: str) -> list[str]:
        return self._keep(path, self.listings, self._inner.list_directory)

    def resolve_link(self, path: str) -> str:
        return self._keep(path, self.links, self._inner.resolve_link)

    def exists(self, path: str) -> bool:
        return self._keep(path, self.existing, self._inner.exists)

    def _keep(self, path: str, answers: dict[str, _Answer], ask: Callable[[str], _Answer]) -> _Answer:
        try:
            answers[path] = ask(path)
        except OSError as error:
            if error.errno is not None:
                self.errors[path] = error.errno
            raise
        return answers[path]
