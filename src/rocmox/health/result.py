"""What a check says: the result model that every format and every exit code comes from."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterable

from rocmox.errors import CannotLookError


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


def seen(source: str, value: object) -> Evidence:
    """Evidence in short: what stood there as text."""
    return Evidence(source=source, value=str(value))


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


class Reporter:
    """Makes the results of one check, so that a check reads as a list of findings.

    `report.warn("LINK_NARROW", gpu.pci_address, "x8 of x16", evidence, remedy="Reseat the card.")`
    """

    def __init__(self, check: str) -> None:
        self._check = check

    def __call__(
        self,
        verdict: Verdict,
        code: str,
        subject: str,
        summary: str,
        evidence: Iterable[Evidence] = (),
        *,
        remedy: str = "",
    ) -> Result:
        """A result of any verdict."""
        return Result(
            check=self._check,
            code=code,
            verdict=verdict,
            subject=subject,
            summary=summary,
            evidence=tuple(evidence),
            remedy=remedy,
        )

    def passed(self, code: str, subject: str, summary: str, evidence: Iterable[Evidence] = ()) -> Result:
        """All is well, and the evidence says how that is known."""
        return self(Verdict.PASS, code, subject, summary, evidence)

    def warn(self, code: str, subject: str, summary: str, evidence: Iterable[Evidence] = (), *, remedy: str) -> Result:
        """Works, and not as it should."""
        return self(Verdict.WARN, code, subject, summary, evidence, remedy=remedy)

    def fail(self, code: str, subject: str, summary: str, evidence: Iterable[Evidence] = (), *, remedy: str) -> Result:
        """Does not work."""
        return self(Verdict.FAIL, code, subject, summary, evidence, remedy=remedy)

    def crit(self, code: str, subject: str, summary: str, evidence: Iterable[Evidence] = (), *, remedy: str) -> Result:
        """Does harm now: wrong data, hardware at risk, the host in danger."""
        return self(Verdict.CRIT, code, subject, summary, evidence, remedy=remedy)

    def unknown(
        self, code: str, subject: str, summary: str, evidence: Iterable[Evidence] = (), *, remedy: str = ""
    ) -> Result:
        """Could not look; the summary says why."""
        return self(Verdict.UNKNOWN, code, subject, summary, evidence, remedy=remedy)

    def cannot_look(self, subject: str, error: CannotLookError) -> Result:
        """A fact that this subject does not show; the error says why."""
        return self.unknown(f"{self._check.upper()}_CANNOT_LOOK", subject, error.message)

    def not_applicable(self, subject: str, reason: str, evidence: Iterable[Evidence] = ()) -> Result:
        """Does not concern this subject; the summary says why."""
        return self(Verdict.NOT_APPLICABLE, f"{self._check.upper()}_NOT_APPLICABLE", subject, reason, evidence)


def not_applicable(check: str, machine: str, reason: str) -> Result:
    """What a check says of a machine that it does not concern."""
    code = f"{check.upper()}_NOT_APPLICABLE"
    return Result(check=check, code=code, verdict=Verdict.NOT_APPLICABLE, subject=machine, summary=reason)


def worst(results: Iterable[Result]) -> Verdict:
    """The verdict of several results; NOT_APPLICABLE when there is none."""
    found = {result.verdict for result in results}
    return next((verdict for verdict in _PRECEDENCE if verdict in found), Verdict.NOT_APPLICABLE)
