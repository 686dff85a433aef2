"""The page as a whole: head, summary, sections."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

from rocmox import __version__
from rocmox.errors import CannotLookError
from rocmox.gpu.inventory import GpuInventory
from rocmox.health.result import Verdict, worst
from rocmox.report.markup import node, to_html
from rocmox.report.page.cards import cards_section
from rocmox.report.page.findings import all_checks_section, to_do_section
from rocmox.report.page.marks import ORDER, WORDS, badge, kind
from rocmox.report.page.matrix import matrix_section
from rocmox.report.page.style import STYLE
from rocmox.report.page.timeline import timeline_section
from rocmox.report.page.topology import topology_section

if TYPE_CHECKING:
    from rocmox.report.formats import HealthReport

# Nothing is loaded and nothing is run, whatever a hostile name may have smuggled in.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_HEADLINES = {
    Verdict.PASS: "All is well",
    Verdict.NOT_APPLICABLE: "Nothing here concerns this machine",
    Verdict.WARN: "It works, but something needs attention",
    Verdict.UNKNOWN: "Something could not be checked",
    Verdict.FAIL: "Something does not work",
    Verdict.CRIT: "Something is doing harm now",
}


def render_html(report: HealthReport) -> str:
    """`--format html`."""
    head = node(
        "head",
        node("meta", charset="utf-8"),
        node("meta", **{"http-equiv": "Content-Security-Policy"}, content=_POLICY),
        node("meta", name="viewport", content="width=device-width, initial-scale=1"),
        node("meta", name="color-scheme", content="light dark"),
        node("title", f"{worst(report.results).value}: {report.machine} (rocmox health)"),
        node("style", STYLE),
    )
    main = node("main", _summary(report), *_sections(report), id="main")
    footer = node("footer", f"rocmox {__version__} · level {report.context.level} · {_when(report)}")
    skip = node("a", "Skip to what to do", href="#todo", class_="skip")
    return to_html(node("html", head, node("body", skip, _header(report), main, footer), lang="en"))


def _header(report: HealthReport) -> Element:
    verdict = worst(report.results)
    words = node("div", node("h1", _HEADLINES[verdict]), node("p", report.machine, class_="machine"))
    return node("header", words, badge(verdict), class_=f"top {kind(verdict)}")


def _summary(report: HealthReport) -> Element:
    tiles = []
    for verdict in ORDER:
        count = sum(result.verdict is verdict for result in report.results)
        number = node("strong", str(count))
        classes = f"tile {kind(verdict)}" + ("" if count else " none")
        tiles.append(node("li", number, badge(verdict, WORDS[verdict]), class_=classes))
    return node("ul", *tiles, class_="tiles", aria_label="Results by verdict")


def _sections(report: HealthReport) -> Iterator[Element]:
    yield to_do_section(report.results)
    try:
        inventory: GpuInventory | None = report.context.inventory
    except CannotLookError as error:
        inventory = None
        yield node("section", node("h2", "Cards"), node("p", error.message, class_="reason"), id="cards")
    if inventory is not None:
        yield cards_section(report, inventory)
        yield from filter(None, (topology_section(report, inventory), matrix_section(report)))
    yield timeline_section(report.context)
    yield all_checks_section(report.results)


def _when(report: HealthReport) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(report.at_seconds))
