"""The largest context that fits, with as few graphs as possible.

Weights and overhead do not depend on the context and caches are multiplied; only compute buffers need a graph, and they
change little from one context to a near one. So the search guesses with buffers that are known, computes the guess
whole, as `settle_plan` would, and guesses again from there (bisection, where that gains little): what it answers was
computed, not guessed.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from rocmox.engines.llamacpp.memory.model import Model
from rocmox.engines.llamacpp.memory.plan import MemoryPlan, resize_plan, resized_compute, without_pipeline
from rocmox.engines.llamacpp.memory.settings import Settings

STEP = 256
_NARROW = 8


def trained_for(model: Model, settings: Settings) -> int:
    """Tokens that all slots together can use: what the model was trained for, in each slot with a cache of its own."""
    return model.hyper.context_train * (1 if settings.kv_unified else settings.parallel)


def largest_context(model: Model, settings: Settings, plan: MemoryPlan) -> int:
    """The largest multiple of 256 that fits, at most what the model was trained for; 0 when none does.

    `plan` is what these settings come to with their own context: the first thing that is known.
    """
    limit = max(trained_for(model, settings), settings.context_tokens, STEP) // STEP
    search = _Search(model=model, settings=settings, plan=plan, near=plan)
    steps, rest = divmod(settings.context_tokens, STEP)
    low, high = (steps, limit + 1) if plan.fits else (0, min(steps + bool(rest), limit + 1))
    widths = [high - low]  # what was open before each look
    while high - low > 1:
        widths.append(high - low)
        creeps = widths[-1] * 2 > widths[-3:][0] > _NARROW  # two guesses have not halved it
        guess = (low + high) // 2 if creeps and len(widths) % 2 else search.guess(low, high)
        if guess == low:  # the buffers of another context may have said so: its own, or the smallest one's, decide
            guess = max(low, 1)
            if search.near.settings.context_tokens == guess * STEP:
                break
        if search.settle(guess).fits:
            low = guess
        elif guess > low:
            high = guess
        else:
            break
    return low * STEP


@dataclasses.dataclass(kw_only=True)
class _Search:
    """Contexts in steps of 256 tokens. `near` is the last context looked at, `bare` the last without the pipeline."""

    model: Model
    settings: Settings
    plan: MemoryPlan
    near: MemoryPlan
    bare: MemoryPlan | None = None

    def settle(self, steps: int) -> MemoryPlan:
        """The plan for one context as llama.cpp ends up with it."""
        sized = dataclasses.replace(self.settings, context_tokens=steps * STEP)
        plan = self.near = self._computed(sized)
        if not plan.may_drop_pipeline or plan.loads:
            return plan
        bare = self.bare = self._computed(without_pipeline(sized))
        return bare if bare.fits else plan

    def guess(self, low: int, high: int) -> int:
        """The largest context below `high` that fits with the buffers of the last ones; `low` when none does."""
        most = self._last(self.near, low, high, lambda plan: plan.fits)
        if not self.near.may_drop_pipeline:
            return most
        if self.bare is None:
            self.bare = self._computed(without_pipeline(self.near.settings))
        further = self._last(self.bare, most, high, lambda plan: plan.fits)
        loads = self._last(self.near, most, high, lambda plan: plan.loads)
        return further if further > loads else most  # without the pipeline when a load with it has failed

    def _last(self, near: MemoryPlan, low: int, high: int, holds: Callable[[MemoryPlan], bool]) -> int:
        while high - low > 1:
            middle = (low + high) // 2
            sized = dataclasses.replace(near.settings, context_tokens=middle * STEP)
            found = holds(resize_plan(near, self.model, sized, near.compute))
            low, high = (middle, high) if found else (low, middle)
        return low

    def _computed(self, sized: Settings) -> MemoryPlan:
        return resize_plan(self.plan, self.model, sized, resized_compute(self.plan, self.model, sized))
