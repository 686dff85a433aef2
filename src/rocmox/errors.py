"""Every error rocmox raises on purpose.

::

    RocmoxError                  exit 2   a statement about the world, with its remedy
    ├── UsageError               exit 64  the user asked for something that has no meaning
    ├── CannotLookError          exit 3   the answer is unknown: no rights, no route, no file
    │   └── MachineError                  a machine cannot be reached or does not answer
    │       └── CommandError              a command failed or ran out of time
    ├── RefusedError             exit 2   a change is refused before anything is touched
    └── ProxmoxError             exit 2   Proxmox VE answered with an error
        ├── AuthenticationError           ticket, token or CSRF refused
        ├── PermissionDeniedError         the account may not do this
        └── TaskFailedError               the call was accepted, its task failed

A message says what happened, where, why, and what to do now (after cloud-init's `subp.py` and nvitop's `HINT:`).
"""

from __future__ import annotations

from collections.abc import Sequence


class RocmoxError(Exception):
    """What happened, where and why; `remedy` says what to do now."""

    exit_code = 2

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message}\nHINT: {self.remedy}" if self.remedy else self.message


class UsageError(RocmoxError):
    """The request itself makes no sense; nothing was looked at."""

    exit_code = 64


class RefusedError(RocmoxError):
    """The request makes sense, and carrying it out would leave the user worse off; nothing was changed."""


class CannotLookError(RocmoxError):
    """The answer is unknown, which is neither good nor bad."""

    exit_code = 3


class MachineError(CannotLookError):
    """A machine cannot be reached."""


class CommandError(MachineError):
    """A command could not be started, failed, or ran out of time."""

    def __init__(
        self,
        argv: Sequence[str],
        *,
        exit_status: int | None,
        stdout: str = "",
        stderr: str = "",
        reason: str = "",
        remedy: str = "",
    ) -> None:
        self.argv = tuple(argv)
        self.exit_status = exit_status
        self.stdout = stdout
        self.stderr = stderr
        why = reason or f"exit status {exit_status}"
        detail = (stderr.strip() or stdout.strip())[-2000:]
        super().__init__(f"{' '.join(argv)}: {why}" + (f"\n{detail}" if detail else ""), remedy=remedy)


class ProxmoxError(RocmoxError):
    """Proxmox VE answered with an error."""


class AuthenticationError(ProxmoxError):
    """Proxmox VE does not know this user, password, ticket or token."""


class PermissionDeniedError(ProxmoxError):
    """Proxmox VE knows the account, and the account may not do this."""


class TaskFailedError(ProxmoxError):
    """An asynchronous task ended with something else than `OK` or `WARNINGS: n`."""
