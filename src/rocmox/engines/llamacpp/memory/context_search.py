"""The largest context that fits, by bisection with as few graphs as possible.

Weights and overhead do not depend on the context, caches are multiplied, and only compute buffers need a graph. The
graph of a longer context takes at least as much, so one that is known bounds those of longer and shorter contexts, and
most steps of the bisection need none of their own.
"""

from __future__ import annotations

import dataclasses

from rocmox.engines.llamacpp.memory.compute import ComputeBuffers
from rocmox.engines.llamacpp.memory.model import Model
from rocmox.engines.llamacpp.memory.plan import Plan, resize_plan, resized_compute, without_pipeline
from rocmox.engines.llamacpp.memory.settings import Settings

STEP = 256


def trained_for(model: Model, settings: Settings) -> int:
    """Tokens that all slots together can use: what the model was trained for, in each slot with a cache of its own."""
    return model.hyper.context_train * (1 if settings.kv_unified else settings.parallel)


def largest_context(model: Model, settings: Settings, plan: Plan) -> int:
    """The largest multiple of 256 that fits, at most what the model was trained for; 0 when none does.

    `plan` is what these settings come to with their own context, and is taken as a first bound.
    """
    limit = max(trained_for(model, settings), settings.context_tokens, STEP) // STEP
    search = _Search(model=model, settings=settings, plan=plan)
    low, high = 0, limit + 1
    middle = 1  # whether any context fits comes first
    while high - low > 1:
        low, high = (middle, high) if search.holds(middle, below=min(high, limit)) else (low, middle)
        middle = (low + high) // 2
    return low * STEP


@dataclasses.dataclass(kw_only=True)
class _Search:
    """Contexts in steps of 256 tokens; `known` are compute buffers by (context, whether the pipeline was dropped)."""

    model: Model
    settings: Settings
    plan: Plan
    known: dict[tuple[int, bool], ComputeBuffers] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        """The plan's own graph, where its context is a whole number of steps."""
        steps, rest = divmod(self.settings.context_tokens, STEP)
        if not rest and steps:
            self.known[steps, self.plan.settings != self.settings] = self.plan.compute

    def holds(self, steps: int, *, below: int) -> bool:
        """Whether a context fits as `settle_plan` would end up with it; `below` is one that is known to be longer."""
        verdict = self._bounded(steps)
        if verdict is None and not any(at >= steps for at in self._contexts()):
            self._buffers(below, dropped=False)
            verdict = self._bounded(steps)
        if verdict is None:
            self._buffers(steps, dropped=False)
            verdict = self._bounded(steps)
        return bool(verdict)

    def _contexts(self) -> list[int]:
        return [at for at, dropped in self.known if not dropped]

    def _bounded(self, steps: int) -> bool | None:
        """What the graphs of the nearest known contexts say; None when they leave it open."""
        longer = min((at for at in self._contexts() if at >= steps), default=None)
        most = None if longer is None else self._planned(steps, longer)
        if most is not None and most.fits:
            return True
        shorter = max((at for at in self._contexts() if at <= steps), default=None)
        least = None if shorter is None else self._planned(steps, shorter)
        if shorter is None or least is None or least.fits:
            return None
        if not least.may_drop_pipeline:
            return False
        if least.loads:  # it would have to fail while loading for llama.cpp to try again
            return False if most is not None and most.loads else None
        return self._bounded_without_pipeline(steps, shorter, longer)

    def _bounded_without_pipeline(self, steps: int, shorter: int, longer: int | None) -> bool | None:
        if not self._planned(steps, shorter, dropped=True).fits:
            return False
        if shorter == steps:
            return True
        return True if longer is not None and self._planned(steps, longer, dropped=True).fits else None

    def _planned(self, steps: int, at: int, *, dropped: bool = False) -> Plan:
        """The plan for one context with the graph of another."""
        compute = self._buffers(at, dropped=dropped)
        return resize_plan(self.plan, self.model, self._sized(steps, dropped=dropped), compute)

    def _buffers(self, at: int, *, dropped: bool) -> ComputeBuffers:
        if (at, dropped) not in self.known:
            sized = self._sized(at, dropped=dropped)
            self.known[at, dropped] = resized_compute(self.plan, self.model, sized)
        return self.known[at, dropped]

    def _sized(self, steps: int, *, dropped: bool) -> Settings:
        sized = dataclasses.replace(self.settings, context_tokens=steps * STEP)
        return without_pipeline(sized) if dropped else sized
