"""Peer-to-peer results as JSON and as a matrix, source by destination."""

from __future__ import annotations

import dataclasses
from typing import Any

from rocmox.health.p2p.judge import in_gb
from rocmox.health.p2p.pair import PairVerdict
from rocmox.health.p2p.run import PeerReport
from rocmox.health.result import Verdict
from rocmox.report.table import render_table

SCHEMA_VERSION = 1
_SELF = "·"


def to_json(machine: str, report: PeerReport) -> dict[str, Any]:
    """The document of `rocmox p2p --json`; `reason` and `code` are given when there is no pair."""
    document: dict[str, Any] = {"schema_version": SCHEMA_VERSION, "machine": machine, "verdict": report.verdict.value}
    if report.why_none:
        document |= {"code": report.why_none.code, "reason": report.why_none.summary}
    return {**document, "pairs": [_pair(verdict) for verdict in report.pairs]}


def to_text(report: PeerReport) -> str:
    """The matrix, what was found, and what to do; each sentence once, whatever the number of its pairs."""
    if report.why_none:
        lines = [f"{report.why_none.code}: {report.why_none.summary}", report.why_none.remedy]
        return "\n".join((*filter(None, lines), f"verdict: {report.why_none.verdict.value}"))
    findings: dict[tuple[str, str, str], list[str]] = {}
    for one in report.pairs:
        findings.setdefault((one.verdict.value, one.code, one.summary), []).append(one.pair.name)
    told = [f"{verdict} {code} {', '.join(names)}: {words}" for (verdict, code, words), names in findings.items()]
    remedies = dict.fromkeys(one.remedy for one in report.pairs if one.remedy)
    return "\n".join(
        (_matrix(report), "", *told, *(f"→ {remedy}" for remedy in remedies), f"verdict: {report.verdict.value}")
    )


def _matrix(report: PeerReport) -> str:
    by_pair = {(one.pair.source, one.pair.destination): one for one in report.pairs}
    addresses = list(dict.fromkeys(source for source, _ in by_pair))
    rows = [
        (source, *(_cell(by_pair[source, other]) if source != other else _SELF for other in addresses))
        for source in addresses
    ]
    return render_table(("from \\ to", *addresses), rows)


def _cell(one: PairVerdict) -> str:
    if one.verdict in {Verdict.PASS, Verdict.WARN} and one.bytes_per_second:
        return f"{one.verdict.value} {in_gb(one.bytes_per_second)} GB/s"
    return f"{one.verdict.value} {one.code.removeprefix('P2P_')}"


def _pair(one: PairVerdict) -> dict[str, Any]:
    theory = one.pair.theory_bytes_per_second
    return {
        "source": one.pair.source,
        "destination": one.pair.destination,
        "source_device": one.pair.source_device,
        "destination_device": one.pair.destination_device,
        "verdict": one.verdict.value,
        "code": one.code,
        "summary": one.summary,
        "remedy": one.remedy,
        "bytes_per_second": _whole(one.bytes_per_second),
        "theory_bytes_per_second": _whole(theory),
        "latency_seconds": one.latency_seconds,
        "largest_bytes": one.largest_bytes,
        "damage": one.damage,
        "evidence": [dataclasses.asdict(line) for line in one.evidence],
    }


def _whole(rate: float | None) -> int | None:
    return None if rate is None else round(rate)
