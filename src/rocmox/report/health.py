"""Health results as JSON, as a table with their remedies, and as lines for journald."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rocmox.health.result import Result, Verdict, worst
from rocmox.report.table import render_table
from rocmox.report.terminal import SYMBOLS, painted

if TYPE_CHECKING:
    from rocmox.report.formats import HealthReport

SCHEMA_VERSION = 1
_QUIET = frozenset({Verdict.PASS, Verdict.NOT_APPLICABLE})
# syslog(3): critical, error, warning, notice.
_PRIORITIES = {Verdict.CRIT: 2, Verdict.FAIL: 3, Verdict.WARN: 4, Verdict.UNKNOWN: 4}
_NOTICE = 5


def render_json(report: HealthReport) -> str:
    """`--format json`."""
    return json.dumps(to_json(report.machine, report.results), indent=2, ensure_ascii=False)


def render_text(report: HealthReport) -> str:
    """`--format table`."""
    return to_text(report.results, symbols=report.symbols, colour=report.colour)


def render_journal(report: HealthReport) -> str:
    """`--format journal`: a line for each finding with its priority in front, as journald reads it (sd-daemon(3))."""
    lines = [
        f"<{_PRIORITIES[result.verdict]}>{_one_line(sentence(result))}"
        for result in report.results
        if result.verdict not in _QUIET
    ]
    return "\n".join((*lines, f"<{_NOTICE}>rocmox health: {worst(report.results).value}"))


def to_json(machine: str, results: Sequence[Result]) -> dict[str, Any]:
    """The document of `rocmox health --json`."""
    return {
        "schema_version": SCHEMA_VERSION,
        "machine": machine,
        "verdict": worst(results).value,
        "results": [{**dataclasses.asdict(result), "verdict": result.verdict.value} for result in results],
    }


def to_text(results: Sequence[Result], *, symbols: bool = False, colour: bool = False) -> str:
    """A table, and below it what to do about everything that is not in order."""

    def marked(verdict: Verdict) -> str:
        return f"{SYMBOLS[verdict]} {verdict.value}" if symbols else verdict.value

    rows = [(marked(result.verdict), result.check, result.subject, result.summary) for result in results]
    heading, *lines = render_table(("verdict", "check", "subject", "summary"), rows).splitlines()
    last = worst(results)
    if not colour:
        return "\n".join((heading, *lines, *map(_one_line, remedies(results)), f"verdict: {marked(last)}"))
    for place, result in enumerate(results):
        mark = marked(result.verdict)
        lines[place] = painted(mark, result.verdict) + lines[place].removeprefix(mark)
    return "\n".join(
        (f"\x1b[1m{heading}\x1b[0m", *lines, *_painted_remedies(results), f"verdict: {painted(marked(last), last)}")
    )


def remedies(results: Sequence[Result]) -> list[str]:
    """One line for each remedy, with what it is for."""
    return [sentence(result) for result in results if _has_remedy(result)]


def sentence(result: Result) -> str:
    """Verdict, code, subject, summary and remedy in one line."""
    return f"{result.verdict.value} {result.code} {result.subject}: {result.summary}. {result.remedy}".rstrip()


def _painted_remedies(results: Sequence[Result]) -> list[str]:
    found = [result for result in results if _has_remedy(result)]
    return [
        painted(result.verdict.value, result.verdict) + _one_line(sentence(result)).removeprefix(result.verdict.value)
        for result in found
    ]


def _has_remedy(result: Result) -> bool:
    return bool(result.remedy) and result.verdict not in _QUIET


def _one_line(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)
