"""A machine that answers from a script and remembers what it was asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from rocmox.machine import Completed

Answer = tuple[int, str, str]


class ScriptedMachine:
    """`answer(argv)` gives exit status, stdout and stderr; `files` are what it can read."""

    name = "scripted"

    def __init__(
        self, answer: Callable[[Sequence[str]], Answer] | None = None, files: Mapping[str, str] | None = None
    ) -> None:
        self._answer = answer or (lambda _: (0, "", ""))
        self._files = dict(files or {})
        self.asked: list[tuple[str, ...]] = []
        self.fed: list[bytes | None] = []

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes | None = None,
        timeout_seconds: float = 60,  # noqa: ARG002 - the protocol's
        environment: Mapping[str, str] | None = None,  # noqa: ARG002 - the protocol's
    ) -> Completed:
        self.asked.append(tuple(argv))
        self.fed.append(stdin)
        status, stdout, stderr = self._answer(argv)
        return Completed(argv=tuple(argv), exit_status=status, stdout=stdout, stderr=stderr)

    def read_bytes(self, path: str) -> bytes:
        if path not in self._files:
            raise FileNotFoundError(path)
        return self._files[path].encode()

    def exists(self, path: str) -> bool:
        return path in self._files

    def list_directory(self, path: str) -> list[str]:
        raise FileNotFoundError(path)

    def resolve_link(self, path: str) -> str:
        return path
