"""What fits when a part of the model stays in host memory: experts, or whole layers."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

from rocmox.engines.llamacpp.memory.cards import CardMemory
from rocmox.engines.llamacpp.memory.model import Model
from rocmox.engines.llamacpp.memory.overrides import cpu_experts
from rocmox.engines.llamacpp.memory.plan import MemoryPlan, settle_plan
from rocmox.engines.llamacpp.memory.settings import Settings

_GIB = 1 << 30
_SECOND_LOOKS = 3
_WHOLE_LAYERS = 1.25

Way = Callable[[int], Settings]


def fitting_part(model: Model, settings: Settings, cards: Sequence[CardMemory], *, uses_cublas: bool) -> str:
    """The option that makes the asked context fit for the least speed, with what it costs; empty when none does."""
    if settings.is_partly_on_cpu or settings.split in {"row", "tensor"}:
        return ""
    whole = model.hyper.all_layers + 1
    ways: list[Way] = [lambda count: dataclasses.replace(settings, gpu_layers=whole - count)]
    if model.hyper.experts and not settings.build.is_early:
        ways.append(lambda count: dataclasses.replace(settings, overrides=cpu_experts(count)))
    found = []
    for way in ways:
        plan = _least(model, way, cards, uses_cublas=uses_cublas)
        if plan is not None:
            found.append(plan)
    if not found:
        return ""
    best = min(found, key=_slowness)
    size = best.host_model_bytes + best.host_context_bytes
    return f"{_option(best.settings)} ({size / _GIB:.0f} GiB in host memory, slower)"


def _slowness(plan: MemoryPlan) -> float:
    """What waits for host memory; experts of a layer wait less than the whole of it."""
    return plan.host_model_bytes * (1 if plan.settings.overrides else _WHOLE_LAYERS)


def _option(settings: Settings) -> str:
    return settings.overrides[0].option if settings.overrides else f"--gpu-layers {settings.gpu_layers}"


def _least(model: Model, way: Way, cards: Sequence[CardMemory], *, uses_cublas: bool) -> MemoryPlan | None:
    """The plan with the smallest count that fits; scratch is looked at again only at the end of the search."""
    most = settle_plan(model, way(model.hyper.layers), cards, uses_cublas=uses_cublas)
    if not most.fits:
        return None
    overhead = [device.overhead for device in most.devices]
    low, high = 0, model.hyper.layers
    while high - low > 1:
        middle = (low + high) // 2
        plan = settle_plan(model, way(middle), cards, uses_cublas=uses_cublas, overhead=overhead)
        low, high = (low, middle) if plan.fits else (middle, high)
    for count in range(high, min(high + _SECOND_LOOKS, model.hyper.layers)):
        plan = settle_plan(model, way(count), cards, uses_cublas=uses_cublas)
        if plan.fits:
            return plan
    return most
