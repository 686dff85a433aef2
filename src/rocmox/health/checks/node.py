"""What the node found out about this guest's cards, as its timer handed it over (`/run/rocmox/host-health.json`).

A guest sees no kernel log, no IOMMU and no host bridge of its own; the node does, and says so here.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from rocmox.errors import CannotLookError
from rocmox.health.context import Context
from rocmox.health.result import Reporter, Result, Verdict, seen

LEVEL = 1
report = Reporter("node")
_PATH = "/run/rocmox/host-health.json"
_QUIET = frozenset({Verdict.PASS, Verdict.NOT_APPLICABLE})
_TIMER = "On the node: `systemctl status rocmox-health.timer rocmox-react.service`, then `journalctl -u 'rocmox-*'`."


def run(context: Context) -> Iterator[Result]:
    """One result for each thing that the node did not find in order, else one for all."""
    name = context.machine.name
    if not context.is_container:
        yield report.not_applicable(name, "this machine is not a container")
        return
    if not context.machine.exists(_PATH):
        yield report.not_applicable(name, "no node handed its results over")
        return
    from rocmox.health.watch.handed import parse_handed  # noqa: PLC0415 - few machines have the file

    try:
        handed = parse_handed(context.machine.read_bytes(_PATH))
    except CannotLookError as error:
        yield report.unknown("NODE_UNREADABLE", name, error.message, [seen(_PATH, "unreadable")], remedy=_TIMER)
        return
    age = time.time() - handed.at_seconds
    if age > handed.good_for_seconds:
        stale = f"what the node handed over is {age / 60:.0f} minutes old"
        yield report.warn("NODE_STALE", name, stale, [seen(_PATH, f"time {handed.at_seconds:.0f}")], remedy=_TIMER)
    bad = [result for result in handed.results if result.verdict not in _QUIET]
    for result in bad:
        words = f"the node reports {result.code}: {result.summary}"
        evidence = [seen(_PATH, f"{result.check} on {handed.node}")]
        remedy = f"On the node: {result.remedy}" if result.remedy else ""
        yield report(result.verdict, "NODE_REPORTS", result.subject, words, evidence, remedy=remedy)
    if not bad and age <= handed.good_for_seconds:
        summary = f"the node found nothing wrong in {len(handed.results)} results, {max(age, 0):.0f} s ago"
        yield report.passed("NODE_OK", name, summary, [seen(_PATH, f"time {handed.at_seconds:.0f}")])
