"""Health results as JUnit XML (the schema of Jenkins' xUnit plugin, junit-10.xsd, which GitLab and others read too).

A check is a test suite and a result a test case. FAIL and CRIT are failures, UNKNOWN is an error (the test could not be
carried out, which is neither good nor bad), NOT_APPLICABLE is skipped with its reason. JUnit knows no warning: WARN
passes, and its remedy stands in the case's output.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

from rocmox.health.result import Result, Verdict
from rocmox.report.markup import node, to_xml

if TYPE_CHECKING:
    from rocmox.report.formats import HealthReport

_TAGS = {
    Verdict.FAIL: "failure",
    Verdict.CRIT: "failure",
    Verdict.UNKNOWN: "error",
    Verdict.NOT_APPLICABLE: "skipped",
    Verdict.WARN: "system-out",
}


def render_junit(report: HealthReport) -> str:
    """`--format junit`."""
    by_check = itertools.groupby(
        sorted(report.results, key=lambda result: result.check), key=lambda result: result.check
    )
    when = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(report.at_seconds))
    suites = [_suite(check, list(results), report.machine, when) for check, results in by_check]
    return to_xml(node("testsuites", *suites, name="rocmox health", **_counts(report.results)))


def _suite(check: str, results: Sequence[Result], machine: str, when: str) -> Element:
    skipped = str(sum(_tag(result) == "skipped" for result in results))
    cases = [_case(result) for result in results]
    return node(
        "testsuite",
        *cases,
        name=check,
        **_counts(results),
        skipped=skipped,
        time="0",
        timestamp=when,
        hostname=machine,
    )


def _counts(results: Sequence[Result]) -> dict[str, str]:
    tags = [_tag(result) for result in results]
    return {"tests": str(len(tags)), "failures": str(tags.count("failure")), "errors": str(tags.count("error"))}


def _case(result: Result) -> Element:
    case = node("testcase", classname=f"rocmox.{result.check}", name=f"{result.code} {result.subject}", time="0")
    tag = _tag(result)
    if tag == "system-out":
        case.append(node(tag, f"{result.verdict.value}: {result.summary}\n{_details(result)}"))
    elif tag == "skipped":
        case.append(node(tag, message=result.summary))
    elif tag is not None:
        case.append(node(tag, _details(result), type=result.verdict.value, message=result.summary))
    return case


def _tag(result: Result) -> str | None:
    return _TAGS.get(result.verdict)


def _details(result: Result) -> str:
    lines = [f"{evidence.source}: {evidence.value}" for evidence in result.evidence]
    return "\n".join((*lines, *([f"remedy: {result.remedy}"] if result.remedy else [])))
