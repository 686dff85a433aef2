"""What is not in order, worst first with what to do; and every check with its evidence."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from xml.etree.ElementTree import Element

from rocmox.health.result import Result, Verdict, worst
from rocmox.report.markup import node
from rocmox.report.page.marks import ORDER, badge, evidence_list, kind

_QUIET = frozenset({Verdict.PASS, Verdict.NOT_APPLICABLE})


def to_do_section(results: Sequence[Result]) -> Element:
    """One card for each remedy; findings that share verdict, code and remedy share it."""
    heading = node("h2", "What to do")
    found = sorted(
        (result for result in results if result.verdict not in _QUIET),
        key=lambda result: (ORDER.index(result.verdict), result.code, result.remedy),
    )
    if not found:
        nothing = node("p", badge(Verdict.PASS, "Nothing"), " No check found anything wrong.", class_="calm")
        return node("section", heading, nothing, id="todo")
    groups = itertools.groupby(found, key=lambda result: (result.verdict, result.code, result.remedy))
    return node("section", heading, *(_group(list(group)) for _, group in groups), id="todo")


def _group(group: Sequence[Result]) -> Element:
    first = group[0]
    title = node("div", badge(first.verdict), node("code", first.code, class_="code"), class_="title")
    remedy = node("p", node("strong", "Remedy: "), *_with_code(first.remedy), class_="remedy") if first.remedy else None
    return node("article", title, *map(_statement, group), remedy, class_=f"finding {kind(first.verdict)}")


def _statement(result: Result) -> Element:
    words = node("p", node("code", result.subject, class_="subject"), f" {result.summary}")
    return node("div", words, evidence_list(result), class_="statement")


def _with_code(text: str) -> Iterator[Element | str]:
    """Text in backquotes as code."""
    parts = text.split("`")
    if len(parts) % 2 == 0:  # a lone backquote is one
        yield text
        return
    for place, part in enumerate(parts):
        yield node("code", part) if place % 2 else part


def all_checks_section(results: Sequence[Result]) -> Element:
    """One folded block for each check, open where something is wrong."""
    ordered = sorted(results, key=lambda result: result.check)
    blocks = [_check(name, list(group)) for name, group in itertools.groupby(ordered, key=lambda result: result.check)]
    return node("section", node("h2", "All checks"), *blocks, id="checks")


def _check(name: str, results: Sequence[Result]) -> Element:
    verdict = worst(results)
    count = f"{len(results)} results" if len(results) > 1 else "1 result"
    summary = node("summary", badge(verdict), node("b", name), node("span", count, class_="count"))
    rows = [
        node(
            "tr",
            node("td", badge(result.verdict)),
            node("td", node("code", result.code)),
            node("td", node("code", result.subject)),
            node("td", result.summary, evidence_list(result)),
        )
        for result in results
    ]
    heads = [node("th", text, scope="col") for text in ("Verdict", "Code", "Subject", "What was found")]
    table = node("table", node("thead", node("tr", *heads)), node("tbody", *rows), aria_label=f"Results of {name}")
    return node("details", summary, node("div", table, class_="scroll"), class_="check")
