"""Reading files through commands: for machines that are reached by running something on them."""

from __future__ import annotations

import base64
import errno
import os
from collections.abc import Mapping, Sequence

from rocmox.errors import CommandError
from rocmox.machine.base import Completed

# What GNU coreutils say under LC_ALL=C, in the kernel's words (strerror).
_REASONS = {
    os.strerror(number): number for number in (errno.ENOENT, errno.EACCES, errno.EPERM, errno.EISDIR, errno.EIO)
}
_ENGLISH = {"LC_ALL": "C"}


class RemoteMachine:
    """A machine whose files are read by `base64`, `find` and `readlink` there; subclasses say how to run a command."""

    name = "remote"

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes | None = None,
        timeout_seconds: float = 60,
        environment: Mapping[str, str] | None = None,
    ) -> Completed:
        raise NotImplementedError

    def read_bytes(self, path: str) -> bytes:
        return base64.b64decode(self._ask(["base64", "--wrap=0", "--", path], path))

    def exists(self, path: str) -> bool:
        return self.run(["test", "-e", path]).exit_status == 0

    def list_directory(self, path: str) -> list[str]:
        names = self._ask(["find", f"{path}/", "-mindepth", "1", "-maxdepth", "1", "-printf", "%f\\0"], path)
        return sorted(name for name in names.split("\0") if name)

    def resolve_link(self, path: str) -> str:
        return self._ask(["realpath", "--canonicalize-missing", "--zero", "--", path], path).rstrip("\0")

    def _ask(self, argv: list[str], path: str) -> str:
        """What the command wrote; OSError with the kernel's number when it could not read the path."""
        done = self.run(argv, environment=_ENGLISH)
        if done.exit_status == 0:
            return done.stdout
        last_words = done.stderr.strip().rpartition(": ")[2]
        if last_words in _REASONS:
            raise OSError(_REASONS[last_words], last_words, path)
        raise CommandError(argv, exit_status=done.exit_status, stdout=done.stdout, stderr=done.stderr)
