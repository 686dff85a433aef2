"""Health results as JSON and as a table with their remedies."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rocmox.health.result import Result, Verdict, worst
from rocmox.report.table import render_table

if TYPE_CHECKING:
    from rocmox.report.formats import HealthReport

SCHEMA_VERSION = 1


def render_json(report: HealthReport) -> str:
    """`--format json`."""
    return json.dumps(to_json(report.machine, report.results), indent=2, ensure_ascii=False)


def render_text(report: HealthReport) -> str:
    """`--format table`."""
    return to_text(report.results)


def to_json(machine: str, results: Sequence[Result]) -> dict[str, Any]:
    """The document of `rocmox health --json`."""
    return {
        "schema_version": SCHEMA_VERSION,
        "machine": machine,
        "verdict": worst(results).value,
        "results": [{**dataclasses.asdict(result), "verdict": result.verdict.value} for result in results],
    }


def to_text(results: Sequence[Result]) -> str:
    """A table, and below it what to do about everything that is not in order."""
    rows = [(result.verdict.value, result.check, result.subject, result.summary) for result in results]
    table = render_table(("verdict", "check", "subject", "summary"), rows)
    return "\n".join((table, *remedies(results), f"verdict: {worst(results).value}"))


def remedies(results: Sequence[Result]) -> list[str]:
    """One line for each remedy, with what it is for."""
    return [
        f"{result.verdict.value} {result.code} {result.subject}: {result.summary}. {result.remedy}"
        for result in results
        if result.remedy and result.verdict not in {Verdict.PASS, Verdict.NOT_APPLICABLE}
    ]
