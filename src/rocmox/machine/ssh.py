"""A machine over SSH: the system's own client, with the user's configuration, agent and known hosts.

Unknown host keys are refused. One connection is shared by all commands of a run (`ControlMaster`, in `~/.ssh`).
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from rocmox.errors import CommandError, MachineError
from rocmox.machine.base import Completed
from rocmox.machine.local import LocalMachine
from rocmox.machine.remote import RemoteMachine

_SSH_FAILED = 255
_OPTIONS = (
    *("-o", "BatchMode=yes"),
    *("-o", "StrictHostKeyChecking=yes"),
    *("-o", "ConnectTimeout=10"),
    *("-o", "ServerAliveInterval=10"),
    *("-o", "ControlMaster=auto"),
    *("-o", "ControlPersist=30"),
    *("-o", "ControlPath=~/.ssh/rocmox-%C"),
)


class SshMachine(RemoteMachine):
    """`destination` is `user@host`; `options` are further words for ssh, such as `-i KEY` or `-p PORT`."""

    def __init__(self, destination: str, *, options: Sequence[str] = ()) -> None:
        self.name = f"ssh://{destination}"
        self._destination = destination
        self._options = tuple(options)
        self._local = LocalMachine(root="/")

    def command_line(self, argv: Sequence[str]) -> list[str]:
        """The ssh command that runs `argv` there."""
        (Path.home() / ".ssh").mkdir(mode=0o700, exist_ok=True)
        return ["ssh", *_OPTIONS, *self._options, "--", self._destination, shlex.join(argv)]

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes | None = None,
        timeout_seconds: float = 60,
        environment: Mapping[str, str] | None = None,
    ) -> Completed:
        words = [*(["env", *(f"{key}={value}" for key, value in environment.items())] if environment else []), *argv]
        try:
            done = self._local.run(self.command_line(words), stdin=stdin, timeout_seconds=timeout_seconds)
        except CommandError as error:
            raise MachineError(f"{self.name}: {shlex.join(argv)}: {error.message}") from error
        if done.exit_status == _SSH_FAILED:
            raise MachineError(
                f"{self.name} cannot be reached: {done.stderr.strip()[-500:]}",
                remedy=f"Try `ssh {self._destination} true`; an unknown host key must be accepted there first.",
            )
        return Completed(argv=tuple(argv), exit_status=done.exit_status, stdout=done.stdout, stderr=done.stderr)
