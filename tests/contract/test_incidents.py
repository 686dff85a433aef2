"""Real incidents that people posted: each has the verdict that was agreed for it, and healthy boots pass."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from rocmox.facts.kernel_log.source import LogSource
from rocmox.health.kernel_log.findings import read_log

INCIDENTS = Path(__file__).parents[3] / "shared" / "data" / "kernel-log" / "incidents.json"


def incidents() -> list[dict[str, Any]]:
    if not INCIDENTS.exists():
        pytest.skip("../shared/data/kernel-log is not here")
    found: list[dict[str, Any]] = json.loads(INCIDENTS.read_text(encoding="utf-8"))
    return found


def text_of(incident: dict[str, Any]) -> str:
    lines = next(incident[key] for key in ("log", "text", "lines") if key in incident)
    return lines if isinstance(lines, str) else "\n".join(lines)


def test_every_incident_has_its_verdict_and_codes() -> None:
    wrong = []
    for incident in incidents():
        report = read_log(LogSource(io.BytesIO(text_of(incident).encode()), incident["id"]))
        codes = {event.code for finding in report.findings for event in finding.incident.events}
        if report.verdict.value not in {incident["verdict"], incident.get("table_verdict")}:
            wrong.append((incident["id"], report.verdict.value))
        if missing := set(incident["codes"]) - codes:
            wrong.append((incident["id"], sorted(missing)))
    assert wrong == []
    assert len(incidents()) >= 53


def test_every_alarming_incident_names_its_first_event() -> None:
    for incident in incidents():
        report = read_log(LogSource(io.BytesIO(text_of(incident).encode()), incident["id"]))
        for finding in report.findings:
            assert finding.summary
            assert finding.remedy
            assert finding.incident.first.line in text_of(incident).replace("\r", "")
