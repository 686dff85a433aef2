"""The machine rocmox runs on; `ROCMOX_ROOT` prefixes `/sys`, `/proc`, `/boot` and `/dev` (a constructed machine)."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from rocmox.errors import CommandError
from rocmox.machine.base import Completed

_PREFIXED = ("sys", "proc", "boot", "dev")


class LocalMachine:
    """This machine. `root` is where its `/sys`, `/proc`, `/boot` and `/dev` are found; the rest is its own."""

    name = "local"

    def __init__(self, root: str | None = None) -> None:
        self._root = Path(root if root is not None else os.environ.get("ROCMOX_ROOT", "/"))

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes | None = None,
        timeout_seconds: float = 60,
        environment: Mapping[str, str] | None = None,
    ) -> Completed:
        try:
            done = subprocess.run(
                list(argv),
                input=b"" if stdin is None else stdin,
                capture_output=True,
                timeout=timeout_seconds,
                env={**os.environ, **environment} if environment else None,
                check=False,
            )
        except FileNotFoundError as error:
            raise CommandError(argv, exit_status=None, reason=f"{argv[0]} is not installed here") from error
        except PermissionError as error:
            raise CommandError(argv, exit_status=None, reason=f"{argv[0]} may not be run by this user") from error
        except subprocess.TimeoutExpired as error:
            raise CommandError(argv, exit_status=None, reason=f"no answer within {timeout_seconds:g} s") from error
        return Completed(
            argv=tuple(argv),
            exit_status=done.returncode,
            stdout=done.stdout.decode(errors="replace"),
            stderr=done.stderr.decode(errors="replace"),
        )

    def start(self, argv: Sequence[str]) -> subprocess.Popen[bytes]:
        """Starts a command that goes on, its standard output a pipe; CommandError when it cannot be started."""
        try:
            return subprocess.Popen(list(argv), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        except OSError as error:
            raise CommandError(argv, exit_status=None, reason=f"{argv[0]} cannot be started: {error}") from error

    def read_bytes(self, path: str) -> bytes:
        return self._at(path).read_bytes()

    def exists(self, path: str) -> bool:
        return self._at(path).exists()

    def list_directory(self, path: str) -> list[str]:
        return sorted(entry.name for entry in self._at(path).iterdir())

    def resolve_link(self, path: str) -> str:
        resolved = self._at(path).resolve()
        root = self._root.resolve()
        return "/" + str(resolved.relative_to(root)) if resolved.is_relative_to(root) else str(resolved)

    def _at(self, path: str) -> Path:
        relative = path.lstrip("/")
        return (self._root if relative.partition("/")[0] in _PREFIXED else Path("/")) / relative

    @property
    def constructed(self) -> bool:
        """Whether another root stands in for this machine's own `/sys`: no driver is behind its device nodes."""
        return self._root != Path("/")
