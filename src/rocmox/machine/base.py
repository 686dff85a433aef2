"""What every machine can do, whatever the way to it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Protocol

from rocmox.errors import CommandError


@dataclasses.dataclass(frozen=True, kw_only=True)
class Completed:
    """A finished process: `exit_status` is what it returned, never None."""

    argv: tuple[str, ...]
    exit_status: int
    stdout: str
    stderr: str

    def check(self, *, remedy: str = "") -> Completed:
        """Itself when the command succeeded, else CommandError with what it wrote."""
        if self.exit_status:
            raise CommandError(
                self.argv, exit_status=self.exit_status, stdout=self.stdout, stderr=self.stderr, remedy=remedy
            )
        return self


class Machine(Protocol):
    """One computer: this one, a node over SSH, a container through its node, or a recorded one."""

    name: str

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes | None = None,
        timeout_seconds: float = 60,
        environment: Mapping[str, str] | None = None,
    ) -> Completed:
        """Run a command to its end; CommandError when it cannot be started or outlives the timeout."""

    def read_bytes(self, path: str) -> bytes:
        """The file's content; FileNotFoundError, PermissionError and OSError as the kernel gives them."""

    def exists(self, path: str) -> bool:
        """Whether the path exists, links followed."""

    def list_directory(self, path: str) -> list[str]:
        """Sorted names in a directory; OSError as the kernel gives it."""

    def resolve_link(self, path: str) -> str:
        """Where a symbolic link points in the end, as an absolute path on that machine."""
