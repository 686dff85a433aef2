"""A picture of a plan: one bar per card, as SVG (HTML when the file's name ends so)."""

from __future__ import annotations

from html import escape

from rocmox.fit.plan import DevicePlan
from rocmox.fit.solve import Answer, tokens
from rocmox.report.fit import parts_of

_MIB = 1 << 20
_WIDTH, _LEFT, _BAR, _ROW, _TOP = 920, 130, 30, 62, 104
_COLOURS = (("model", "#3b6fb6"), ("context", "#e0a030"), ("compute", "#4f9d69"), ("overhead", "#9a9a9a"))


def to_svg(answer: Answer) -> str:
    """The picture as an SVG document; widths are to scale over all cards, what does not fit is hatched red."""
    plan = answer.plan
    devices = plan.devices if plan is not None else ()
    largest = max((max(device.card.capacity_mib, device.total_bytes // _MIB) for device in devices), default=1)
    scale = (_WIDTH - _LEFT - 60) / largest
    height = _TOP + _ROW * len(devices) + 20
    rows = [_row(index, device, scale) for index, device in enumerate(devices)]
    return "\n".join([_head(answer, height), _legend(), *rows, "</svg>"]) + "\n"


def to_html(answer: Answer) -> str:
    """The same in a page of its own."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>rocmox fit</title></head>\n'
        f"<body>\n{to_svg(answer)}</body></html>\n"
    )


def _head(answer: Answer, height: int) -> str:
    settings = answer.resolved.settings
    verdict = "refused" if answer.refusal else "fits" if answer.fits else "does not fit"
    title = f"{answer.model.name}: {tokens(settings.context_tokens)} tokens, split {settings.split}: {verdict}"
    advice = f"Best change: {answer.best_change}" if answer.best_change else answer.refusal
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" '
        f'viewBox="0 0 {_WIDTH} {height}" font-family="sans-serif" font-size="14">\n'
        f'<rect width="100%" height="100%" fill="#ffffff"/>\n'
        '<defs><pattern id="over" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        '<rect width="6" height="6" fill="#f6c6c6"/><rect width="3" height="6" fill="#c62828"/></pattern></defs>\n'
        f'<text x="16" y="28" font-size="17" font-weight="bold">{escape(title)}</text>'
        f'<text x="16" y="48">{escape(advice)}</text>'
    )


def _legend() -> str:
    cells = []
    for place, (name, colour) in enumerate((*_COLOURS, ("too much", "url(#over)"))):
        x = 16 + place * 120
        cells.append(f'<rect x="{x}" y="62" width="14" height="14" fill="{colour}"/>')
        cells.append(f'<text x="{x + 20}" y="74">{name}</text>')
    return "".join(cells)


def _row(index: int, device: DevicePlan, scale: float) -> str:
    y = _TOP + index * _ROW
    capacity = device.card.capacity_mib * scale
    x, cells = 0.0, []
    for size, (name, colour) in zip(parts_of(device), _COLOURS, strict=True):
        width = size / _MIB * scale
        cells.append(_cell(x, min(x + width, capacity), y, colour, f"{name} {size / _MIB:.0f} MiB"))
        x += width
    if x > capacity:
        cells.append(_cell(capacity, x, y, "url(#over)", f"{(x - capacity) / scale:.0f} MiB too much"))
    free = device.free_bytes / _MIB
    note = f"{free:.0f} MiB free" if free >= 0 else f"{-free:.0f} MiB too much"
    label = f"{index} {device.card.name}"
    return (
        f'<text x="16" y="{y + 20}">{escape(label)}</text>{"".join(cells)}'
        f'<rect x="{_LEFT}" y="{y}" width="{capacity:.1f}" height="{_BAR}" fill="none" stroke="#202020"/>'
        f'<text x="{_LEFT}" y="{y + _BAR + 17}" font-size="12" fill="#404040">'
        f"{device.total_bytes / _MIB:.0f} of {device.card.capacity_mib} MiB, {note}</text>"
    )


def _cell(start: float, end: float, y: int, colour: str, title: str) -> str:
    if end <= start:
        return ""
    return (
        f'<rect x="{_LEFT + start:.1f}" y="{y}" width="{end - start:.1f}" height="{_BAR}" fill="{colour}">'
        f"<title>{escape(title)}</title></rect>"
    )
