"""Peer to peer as a heat map: from each card (row) to each other (column)."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

from rocmox.errors import CannotLookError
from rocmox.health.cards import judged_peers
from rocmox.health.context import Context
from rocmox.health.result import Result, Verdict
from rocmox.report.markup import node
from rocmox.report.page.marks import WORDS, kind
from rocmox.report.terminal import SYMBOLS

if TYPE_CHECKING:
    from rocmox.report.formats import HealthReport

_RATE = re.compile(r"(\d{1,5}(?:\.\d{1,3})?) GB/s")
_STEPS = 4  # shades of a rate, from slow to fast
_PROVEN = "Copied and compared byte by byte. The stronger the colour, the faster."
_CLAIMED = "What the driver claims; a claim is not a proof. `rocmox health --level 2` copies data and compares it."


@dataclasses.dataclass(frozen=True, kw_only=True)
class Cell:
    """What is known of an ordered pair; `rate` in GB/s where it was measured."""

    verdict: Verdict
    words: str
    title: str
    rate: float | None = None


def matrix_section(report: HealthReport) -> Element | None:
    """None where there are no two cards."""
    cells = _tested(report.results)
    explanation = _PROVEN if cells else _CLAIMED
    cells = cells or _claims(report.context)
    if not cells:
        return None
    addresses = sorted({address for pair in cells for address in pair})
    fastest = max((cell.rate for cell in cells.values() if cell.rate), default=0.0)
    heads = [node("th", "from \\ to", scope="col"), *(node("th", _short(name), scope="col") for name in addresses)]
    rows = [
        node(
            "tr",
            node("th", _short(source), scope="row"),
            *(_cell(cells.get((source, other)), source == other, fastest) for other in addresses),
        )
        for source in addresses
    ]
    caption = node("caption", explanation.replace("`", ""))
    table = node("table", caption, node("thead", node("tr", *heads)), node("tbody", *rows), class_="matrix")
    return node("section", node("h2", "Peer to peer"), node("div", table, class_="scroll"), id="p2p")


def _tested(results: tuple[Result, ...]) -> dict[tuple[str, str], Cell]:
    """The pairs that the check p2p speaks of: its subject is `A -> B`."""
    cells: dict[tuple[str, str], Cell] = {}
    for result in results:
        source, arrow, destination = result.subject.partition(" -> ")
        if result.check != "p2p" or not arrow:
            continue
        rates = [float(rate) for line in result.evidence for rate in _RATE.findall(line.value)]
        rate = max(rates, default=None) if result.verdict in {Verdict.PASS, Verdict.WARN} else None
        words = f"{rate:g} GB/s" if rate else result.code.removeprefix("P2P_").replace("_", " ").lower()
        cells[source, destination] = Cell(verdict=result.verdict, words=words, title=result.summary, rate=rate)
    return cells


def _claims(context: Context) -> dict[tuple[str, str], Cell]:
    try:
        peers = judged_peers(context)
    except CannotLookError:
        return {}
    cells = {}
    for peer in peers:
        how = ("XGMI" if peer.is_xgmi else "PCIe") if peer.claimed else "no claim"
        verdict = Verdict.PASS if peer.claimed else Verdict.FAIL
        title = f"{peer.name}: {'claimed' if peer.claimed else 'not claimed'} by the driver"
        pair = peer.source.pci_address, peer.destination.pci_address
        cells[pair] = Cell(verdict=verdict, words=how, title=title)
    return cells


def _cell(cell: Cell | None, is_self: bool, fastest: float) -> Element:  # noqa: FBT001 - the diagonal, or not
    if cell is None:
        return node("td", "·" if is_self else "not known", class_="self" if is_self else "unknown")
    heat = f" heat{max(1, round(_STEPS * cell.rate / fastest))}" if cell.rate and fastest else ""
    symbol = node("span", SYMBOLS[cell.verdict], aria_hidden="true")
    hidden = node("span", f"{WORDS[cell.verdict]}: ", class_="hidden")
    return node("td", symbol, " ", hidden, cell.words, class_=f"{kind(cell.verdict)}{heat}", title=cell.title)


def _short(address: str) -> Element:
    """Domain 0000 goes without saying."""
    return node("code", address.removeprefix("0000:"), title=address)
