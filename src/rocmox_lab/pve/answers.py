"""How PVE says no: one exception with the status, the text and what a command line makes of it.

A text that PVE raises by Perl's `die` reaches `message` with its newline and the reason phrase without.
`exit_code` is what `pct` and `pvesh` return: 255, or 2 where Perl's `$!` still holds ENOENT.
"""

from __future__ import annotations

from collections.abc import Mapping

VERIFICATION_FAILED = "Parameter verification failed.\n"
ENOENT = 2


class AnswerError(Exception):
    """An answer other than 200; raised anywhere, written by the server or the command line."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 500,
        errors: Mapping[str, str] | None = None,
        exit_code: int = 255,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.errors = dict(errors) if errors else None
        self.exit_code = exit_code

    @property
    def reason(self) -> str:
        """The HTTP reason phrase: the first line of the message."""
        return self.message.strip().split("\n", 1)[0]


class NoPermissionError(AnswerError):
    """403; `detail` is what stands in the brackets."""

    def __init__(self, detail: str = "") -> None:
        text = f"Permission check failed ({detail})" if detail else "Permission check failed"
        super().__init__(text + "\n", status=403)


class BadParameterError(AnswerError):
    """400 with one text per parameter."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__(VERIFICATION_FAILED, status=400, errors=errors)


class UnauthenticatedError(Exception):
    """401 without a body, late, and the connection is closed: no ticket, a wrong one, a wrong CSRF token."""


class NotImplementedByPveError(AnswerError):
    """501: no such path, or no such method there."""

    def __init__(self, method: str, path: str) -> None:
        super().__init__(f"Method '{method} {path}' not implemented", status=501)


def missing_guest(vmid: int, node: str) -> AnswerError:
    """The answer about a VMID nobody has."""
    return AnswerError(f"Configuration file 'nodes/{node}/lxc/{vmid}.conf' does not exist\n", exit_code=ENOENT)
