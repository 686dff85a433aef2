"""What `rocmox fit` says to people: a sentence, one bar per card, a table, what was assumed."""

from __future__ import annotations

from rocmox.engines.llamacpp.memory.context_search import trained_for
from rocmox.engines.llamacpp.memory.plan import DevicePlan, MemoryPlan
from rocmox.engines.llamacpp.memory.solve import Answer, at_least, tokens
from rocmox.report.fit_flags import to_flags
from rocmox.report.table import render_table

_MIB = 1 << 20
_BAR_CELLS = 48
_MARKS = (("model", "█"), ("context", "▓"), ("compute", "▒"), ("overhead", "░"))


def to_text(answer: Answer, *, bars: bool = True) -> str:
    """The whole report without a last newline; `bars` False where a picture stands beside it."""
    parts = [_verdict(answer)]
    if answer.plan is not None:
        parts += [_bars(answer.plan)] if bars else []
        parts += [_table(answer.plan), f"llama-server flags: {to_flags(answer.plan)}"]
    if answer.resolved.assumptions:
        parts.append("Assumed:\n" + "\n".join(f"  - {line}" for line in answer.resolved.assumptions))
    return "\n\n".join(parts)


def _verdict(answer: Answer) -> str:
    asked = f"{answer.model.name} with {context_text(answer)}"
    if answer.refusal:
        return f"Refused: {answer.refusal}."
    if not answer.fits:
        change = f"\nBest change: {answer.best_change}." if answer.best_change else ""
        return f"Does not fit: {asked}.{change}"
    lines = [f"Fits: {asked}. {headroom(answer)}"]
    if answer.ends_at_used_context is not None:
        lines.append(
            f"Memory grows in use: a card runs full beyond {answer.ends_at_used_context} used tokens. "
            "With flash attention it does not grow."
        )
    return "\n".join(lines)


def context_text(answer: Answer) -> str:
    """The asked context, and how slots share it."""
    settings = answer.resolved.settings
    text = f"{tokens(settings.context_tokens)} tokens of context"
    if settings.parallel == 1:
        return text
    each = "shared by them" if settings.kv_unified else f"{at_least(settings.context_tokens // settings.parallel)} each"
    return f"{text} for {settings.parallel} slots ({each})"


def headroom(answer: Answer) -> str:
    """How far the context can still grow."""
    most, trained = answer.max_context, trained_for(answer.model, answer.resolved.settings)
    if most >= trained > 0:
        return f"Every context fits that the model was trained for ({tokens(trained)})."
    return f"The longest context that fits with these settings: {at_least(most)}."


def _bars(plan: MemoryPlan) -> str:
    legend = "  ".join(f"{mark} {name}" for name, mark in _MARKS)
    width = max(len(_name(index, device)) for index, device in enumerate(plan.devices))
    lines = [
        f"{_name(index, device):<{width}}  {_bar(device)}  {free_text(device)}"
        for index, device in enumerate(plan.devices)
    ]
    return "\n".join([*lines, f"{'':<{width}}  {legend}"])


def _name(index: int, device: DevicePlan) -> str:
    return f"{index} {device.card.name}"


def _bar(device: DevicePlan) -> str:
    """One character for each 1/48 of the card; what does not fit sticks out behind the end."""
    scale = _BAR_CELLS / (device.card.capacity_mib * _MIB)
    filled, cells = 0, ""
    for size, (_, mark) in zip(parts_of(device), _MARKS, strict=True):
        filled += size
        cells += mark * (round(filled * scale) - len(cells))
    inside, outside = cells[:_BAR_CELLS], cells[_BAR_CELLS : _BAR_CELLS + 12]
    return f"▕{inside:<{_BAR_CELLS}}▏{outside}"


def parts_of(device: DevicePlan) -> tuple[int, int, int, int]:
    """Bytes of model, context, compute and overhead."""
    return device.model_bytes, device.context_bytes, device.compute_bytes, device.overhead.total_bytes


def free_text(device: DevicePlan) -> str:
    """What is left, or how much is too much."""
    mib = device.free_bytes // _MIB
    return f"{mib} MiB free" if mib >= 0 else f"{-mib} MiB too much"


def _table(plan: MemoryPlan) -> str:
    headings = ("card", "layers", "model", "context", "compute", "overhead", "total", "of", "free")
    rows = [
        (
            _name(index, device),
            str(device.layers),
            *(f"{size / _MIB:.0f}" for size in parts_of(device)),
            f"{device.total_bytes / _MIB:.0f}",
            str(device.card.capacity_mib),
            str(device.free_bytes // _MIB),
        )
        for index, device in enumerate(plan.devices)
    ]
    sizes = (plan.host_model_bytes, plan.host_context_bytes, plan.host_compute_bytes)
    parts = (f"{size / _MIB:.0f}" if size else "" for size in sizes)
    host = ("host memory", "", *parts, "", f"{sum(sizes) / _MIB:.0f}", "", "")
    return render_table(headings, [*rows, host]) + "\nSizes in MiB (1024 MiB are 1 GiB)."
