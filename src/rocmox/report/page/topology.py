"""How the cards are wired, drawn: host bridge, bridges, cards; each line with the speed and width it trained to."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

from rocmox.facts.pci import Link
from rocmox.gpu.inventory import GpuInventory
from rocmox.gpu.wiring import Branch, wire
from rocmox.health.result import Verdict
from rocmox.report.markup import node
from rocmox.report.page.cards import is_slowed, verdict_on
from rocmox.report.page.marks import kind
from rocmox.report.terminal import SYMBOLS

if TYPE_CHECKING:
    from rocmox.report.formats import HealthReport

_COLUMN, _BOX, _ROW, _HIGH, _MARGIN = 272, 150, 62, 42, 8
_LETTERS = 15  # of the largest name that fits a box


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Placed:
    """A branch with the middle of its box's left side, in user units."""

    branch: Branch
    x: float
    y: float
    children: tuple[_Placed, ...]


def topology_section(report: HealthReport, inventory: GpuInventory) -> Element | None:
    """None without cards."""
    roots = wire(report.context.machine, inventory.gpus)
    if not roots:
        return None
    verdicts = {gpu.pci_address: verdict_on(report, gpu) for gpu in inventory.gpus}
    depth = max(map(_depth, roots))
    placed, rows = [], 0
    for root in roots:
        made, rows = _place(root, 0, depth, rows)
        placed.append(made)
    width, height = _MARGIN * 2 + _COLUMN * (depth - 1) + _BOX, _MARGIN * 2 + rows * _ROW
    title = node("title", f"PCI Express topology of {len(inventory.gpus)} cards")
    description = node("desc", "; ".join(_sentences(placed)))
    drawing = node(
        "svg",
        *(title, description, *(edge for root in placed for edge in _edges(root))),
        *(box for root in placed for box in _boxes(root, verdicts)),
        viewBox=f"0 0 {width} {height}",
        role="img",
        style=f"max-width:{width * 1.15:.0f}px;min-width:{width * 0.7:.0f}px",
        class_="topology",
    )
    words = "The line to a card shows the speed of the slowest link on its path; dashed where it could be faster."
    figure = node("figure", node("div", drawing, class_="scroll"), node("figcaption", words))
    return node("section", node("h2", "Topology"), figure, id="topology")


def _depth(branch: Branch) -> int:
    return 1 + max(map(_depth, branch.children), default=0)


def _place(branch: Branch, column: int, depth: int, row: int) -> tuple[_Placed, int]:
    """Cards stand in the last column, what is above them in the middle of them."""
    children, first = [], row
    for child in branch.children:
        made, row = _place(child, column + 1, depth, row)
        children.append(made)
    if not children:
        row += 1
    x = _MARGIN + _COLUMN * (depth - 1 if branch.gpu else column)
    middle = (children[0].y + children[-1].y) / 2 if children else _MARGIN + (first + 0.5) * _ROW
    return _Placed(branch=branch, x=x, y=middle, children=tuple(children)), row


def _edges(placed: _Placed) -> Iterator[Element]:
    for child in placed.children:
        start, end = placed.x + _BOX, child.x
        bend = start + 30
        path = f"M{start:g} {placed.y:g} C{bend:g} {placed.y:g} {start:g} {child.y:g} {bend:g} {child.y:g} H{end:g}"
        link, slowed = child.branch.link, child.branch.link and is_slowed(child.branch.link, child.branch.possible)
        thickness = 1 + min(link.width, 16) / 4 if link else 1
        style = "edge slowed" if slowed else "edge"
        yield node("path", d=path, class_=style, stroke_width=float(thickness))
        if link:
            words = ("▲ " if slowed else "") + _words(link)
            yield node(
                "text", words, x=f"{end - 6:g}", y=f"{child.y - 6:g}", text_anchor="end", class_=f"label {style}"
            )
            if slowed and child.branch.possible:
                could = f"could {child.branch.possible[0]:g} GT/s x{child.branch.possible[1]}"
                place = {"x": f"{end - 6:g}", "y": f"{child.y + 14:g}"}
                yield node("text", could, **place, text_anchor="end", class_=f"label {style}")
        yield from _edges(child)


def _boxes(placed: _Placed, verdicts: dict[str, Verdict]) -> Iterator[Element]:
    branch = placed.branch
    verdict = verdicts.get(branch.gpu.pci_address) if branch.gpu else None
    style = f"gpu {kind(verdict)}" if verdict else "bridge"
    first = f"{SYMBOLS[verdict]} {branch.lines[0]}" if verdict else branch.lines[0]
    top = placed.y - _HIGH / 2
    texts = [
        node("text", _cut(line), x=placed.x + 10, y=top + 17 + 15 * place, class_="name" if place == 0 else "detail")
        for place, line in enumerate((first, *branch.lines[1:]))
    ]
    shape = node("rect", x=placed.x, y=top, width=_BOX, height=_HIGH, rx=7)
    title = node("title", " ".join((*branch.lines, *branch.functions)))
    yield node("g", title, shape, *texts, class_=f"box {style}")
    for child in placed.children:
        yield from _boxes(child, verdicts)


def _cut(text: str) -> str:
    return text if len(text) <= _LETTERS + 6 else text[: _LETTERS + 5] + "…"


def _words(link: Link) -> str:
    return f"{link.speed_gts:g} GT/s x{link.width}"


def _sentences(roots: list[_Placed]) -> Iterator[str]:
    """For those who cannot see the drawing."""
    for placed in roots:
        for child in placed.children:
            link = f" at {_words(child.branch.link)}" if child.branch.link else ""
            yield f"{' '.join(placed.branch.lines)} leads to {' '.join(child.branch.lines)}{link}"
        yield from _sentences(list(placed.children))
