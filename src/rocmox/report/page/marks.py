"""How a verdict looks: a symbol, its word and a colour, so that colour is never the only sign."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from rocmox.health.result import Result, Verdict
from rocmox.report.markup import node
from rocmox.report.terminal import SYMBOLS

WORDS = {
    Verdict.PASS: "pass",
    Verdict.WARN: "warning",
    Verdict.FAIL: "fail",
    Verdict.CRIT: "critical",
    Verdict.NOT_APPLICABLE: "not applicable",
    Verdict.UNKNOWN: "unknown",
}
# From worst to best, as the page lists them.
ORDER = (Verdict.CRIT, Verdict.FAIL, Verdict.UNKNOWN, Verdict.WARN, Verdict.PASS, Verdict.NOT_APPLICABLE)


def kind(verdict: Verdict) -> str:
    """The style class of a verdict."""
    return verdict.value.lower().replace("_", "-")


def badge(verdict: Verdict, text: str | None = None) -> Element:
    """Symbol and word in a coloured pill."""
    symbol = node("span", SYMBOLS[verdict], aria_hidden="true", class_="symbol")
    return node("span", symbol, f" {text or WORDS[verdict]}", class_=f"badge {kind(verdict)}")


def evidence_list(result: Result) -> Element | None:
    """Where it was seen and what stood there, folded."""
    if not result.evidence:
        return None
    rows = [
        node("li", node("code", line.source, class_="source"), node("code", line.value, class_="value"))
        for line in result.evidence
    ]
    return node("details", node("summary", "How it is known"), node("ul", *rows, class_="evidence"))
