"""What a check says: the result model that every format and every exit code comes from."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterable


class Verdict(enum.Enum):
    """`NOT_APPLICABLE` and `UNKNOWN` always say why: one does not concern this machine, the other could not look."""

    PASS = "PASS"  # noqa: S105 - a verdict, not a password
    WARN = "WARN"
    FAIL = "FAIL"
    CRIT = "CRIT"
    NOT_APPLICABLE = "NOT_APPLICABLE"
    UNKNOWN = "UNKNOWN"


# From worst to best: the first that occurs is the verdict of the whole.
_PRECEDENCE = (
    Verdict.CRIT,
    Verdict.FAIL,
    Verdict.UNKNOWN,
    Verdict.WARN,
    Verdict.PASS,
    Verdict.NOT_APPLICABLE,
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Evidence:
    """Where it was seen (a path, a command) and what stood there."""

    source: str
    value: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Result:
    """One statement about one subject; `code` is stable, `remedy` says what to do now."""

    check: str
    code: str
    verdict: Verdict
    subject: str
    summary: str
    evidence: tuple[Evidence, ...] = ()
    remedy: str = ""


def not_applicable(check: str, machine: str, reason: str) -> Result:
    """What a check says of a machine that it does not concern."""
    code = f"{check.upper()}_NOT_APPLICABLE"
    return Result(check=check, code=code, verdict=Verdict.NOT_APPLICABLE, subject=machine, summary=reason)


def worst(results: Iterable[Result]) -> Verdict:
    """The verdict of several results; NOT_APPLICABLE when there is none."""
    found = {result.verdict for result in results}
    return next((verdict for verdict in _PRECEDENCE if verdict in found), Verdict.NOT_APPLICABLE)
