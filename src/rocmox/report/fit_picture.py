"""A picture of a plan: one bar per card, as SVG, or as a page with the numbers below; both follow a dark desktop."""

from __future__ import annotations

import textwrap
from html import escape

from rocmox.engines.llamacpp.memory.plan import DevicePlan
from rocmox.engines.llamacpp.memory.solve import Answer
from rocmox.report.fit import context_text, free_text, headroom, parts_of, to_text

_MIB = 1 << 20
_WIDTH, _LEFT, _RIGHT, _BAR, _ROW, _LINE, _LETTERS = 920, 150, 24, 30, 62, 20, 118
_NUMBER_WIDTH = 44
_PARTS = ("model", "context", "compute", "overhead")
_STYLE = """
svg { --paper: #ffffff; --ink: #1c1c1c; --soft: #5a5a5a; --empty: #eceff3; --over: #c62828; --over-pale: #f6c6c6;
  --model: #7aa6e0; --context: #e3a83c; --compute: #63b27e; --overhead: #9a9a9a; }
@media (prefers-color-scheme: dark) { svg { --paper: #16181c; --ink: #e8e8e8; --soft: #a4a9b0; --empty: #2a2e35;
  --over: #ff6b6b; --over-pale: #5c2226; --model: #5b8fd6; --context: #d9a441; --compute: #5fae7a;
  --overhead: #7d838b; } }
svg { background: var(--paper); fill: var(--ink); }
.soft { fill: var(--soft); } .empty { fill: var(--empty); } .model { fill: var(--model); }
.context { fill: var(--context); } .compute { fill: var(--compute); } .overhead { fill: var(--overhead); }
.over { fill: url(#over); } .frame { fill: none; stroke: var(--ink); } .number { fill: #101010; }
"""
_HATCHING = (
    '<defs><pattern id="over" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<rect width="6" height="6" style="fill: var(--over-pale)"/><rect width="3" height="6" style="fill: var(--over)"/>'
    "</pattern></defs>"
)
_PAGE_STYLE = """
body { margin: 24px; font-family: sans-serif; background: #ffffff; color: #1c1c1c; }
svg { max-width: 100%; height: auto; } pre { overflow-x: auto; line-height: 1.35; }
@media (prefers-color-scheme: dark) { body { background: #16181c; color: #e8e8e8; } }
"""


def to_svg(answer: Answer) -> str:
    """The picture as an SVG document; widths are to scale over all cards, what does not fit is hatched red."""
    plan = answer.plan
    devices = plan.devices if plan is not None else ()
    largest = max((max(device.card.capacity_mib, device.total_bytes // _MIB) for device in devices), default=1)
    scale = (_WIDTH - _LEFT - _RIGHT) / largest
    said = textwrap.wrap(_advice(answer), _LETTERS)
    top = 34 + _LINE * len(said) + (46 if devices else 0)
    height = top + _ROW * len(devices) + 8
    text = "".join(f'<text x="16" y="{50 + _LINE * line}">{escape(part)}</text>' for line, part in enumerate(said))
    rows = [_row(index, device, scale, top + _ROW * index) for index, device in enumerate(devices)]
    legend = [_legend(top - 32)] if devices else []
    return "\n".join([_head(answer, height), text, *legend, *rows, "</svg>"]) + "\n"


def to_html(answer: Answer) -> str:
    """The same in a page of its own, with what the terminal says below."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="color-scheme" content="light dark">\n'
        f'<meta name="viewport" content="width=device-width"><title>rocmox fit: {escape(answer.model.name)}</title>\n'
        f"<style>{_PAGE_STYLE}</style></head>\n"
        f"<body>\n{to_svg(answer)}<pre>{escape(to_text(answer, bars=False))}</pre>\n</body></html>\n"
    )


def _advice(answer: Answer) -> str:
    if answer.refusal:
        return f"{answer.refusal}."
    return f"Best change: {answer.best_change}." if answer.best_change else headroom(answer)


def _head(answer: Answer, height: int) -> str:
    verdict = "refused" if answer.refusal else "fits" if answer.fits else "does not fit"
    title = f"{answer.model.name} with {context_text(answer)}: {verdict}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" '
        f'viewBox="0 0 {_WIDTH} {height}" font-family="sans-serif" font-size="14" role="img">\n'
        f"<title>{escape(title)}</title><style>{_STYLE}</style>{_HATCHING}\n"
        f'<text x="16" y="28" font-size="17" font-weight="bold">{escape(title)}</text>'
    )


def _legend(y: int) -> str:
    cells = []
    for place, (name, kind) in enumerate((*((part, part) for part in _PARTS), ("free", "empty"), ("too much", "over"))):
        x = _LEFT + place * 110
        cells.append(f'<rect x="{x}" y="{y}" width="14" height="14" class="{kind}"/>')
        cells.append(f'<text x="{x + 20}" y="{y + 12}" font-size="13">{name}</text>')
    return "".join(cells)


def _row(index: int, device: DevicePlan, scale: float, y: int) -> str:
    capacity = device.card.capacity_mib * scale
    x, cells = 0.0, [_cell(0, capacity, y, "empty", "")]
    for size, part in zip(parts_of(device), _PARTS, strict=True):
        width = size / _MIB * scale
        cells.append(_cell(x, min(x + width, capacity), y, part, f"{part} {size / _MIB:.0f} MiB"))
        if width > _NUMBER_WIDTH and x + width <= capacity:
            middle = _LEFT + x + width / 2
            number = f'<text x="{middle:.0f}" y="{y + 20}" class="number" font-size="12" text-anchor="middle">'
            cells.append(f"{number}{size / _MIB:.0f}</text>")
        x += width
    if x > capacity:
        cells.append(_cell(capacity, x, y, "over", f"{(x - capacity) / scale:.0f} MiB too much"))
    return (
        f'<text x="16" y="{y + 20}">{escape(f"{index} {device.card.name}")}</text>{"".join(cells)}'
        f'<rect x="{_LEFT}" y="{y}" width="{capacity:.1f}" height="{_BAR}" class="frame"/>'
        f'<text x="{_LEFT}" y="{y + _BAR + 17}" font-size="12" class="soft">'
        f"{device.total_bytes / _MIB:.0f} of {device.card.capacity_mib} MiB, {free_text(device)}</text>"
    )


def _cell(start: float, end: float, y: int, kind: str, title: str) -> str:
    if end <= start:
        return ""
    inner = f"<title>{escape(title)}</title>" if title else ""
    size = f'x="{_LEFT + start:.1f}" y="{y}" width="{end - start:.1f}" height="{_BAR}"'
    return f'<rect {size} class="{kind}">{inner}</rect>'
