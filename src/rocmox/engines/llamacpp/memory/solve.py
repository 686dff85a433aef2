"""The largest context that fits, and the best change when the asked one does not."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

from rocmox.engines.llamacpp.memory.architectures import is_embedding, is_planned
from rocmox.engines.llamacpp.memory.cards import CardMemory
from rocmox.engines.llamacpp.memory.context_search import STEP, largest_context
from rocmox.engines.llamacpp.memory.host_memory import fitting_part
from rocmox.engines.llamacpp.memory.model import Model
from rocmox.engines.llamacpp.memory.plan import MemoryPlan, ends_at, settle_plan
from rocmox.engines.llamacpp.memory.refusals import find_refusal
from rocmox.engines.llamacpp.memory.request import Resolved
from rocmox.engines.llamacpp.memory.settings import Settings
from rocmox.errors import UsageError
from rocmox.facts.ggml_types import BY_NAME

_GIB = 1 << 30
_USEFUL_CONTEXT = 2048
_PIPELINE_DROPPED = "pipeline copies off: with them the load fails, and llama.cpp tries again without"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Answer:
    """Everything that is said about one request. `plan` is None when llama.cpp refuses it."""

    model: Model
    resolved: Resolved
    plan: MemoryPlan | None
    refusal: str
    max_context: int
    ends_at_used_context: int | None
    best_change: str

    @property
    def fits(self) -> bool:
        """Whether it loads and answers one prompt of a full micro batch."""
        return self.plan is not None and self.plan.fits


def answer(model: Model, resolved: Resolved, cards: Sequence[CardMemory]) -> Answer:
    """Plan the request, look for the largest context, and for a remedy when it does not fit."""
    try:
        return _answer(model, resolved, cards)
    except ArithmeticError as error:
        raise UsageError(
            f"{model.name}: its sizes contradict each other ({error}); its memory cannot be planned",
            remedy="Convert the model again with a current llama.cpp.",
        ) from error


def _answer(model: Model, resolved: Resolved, cards: Sequence[CardMemory]) -> Answer:
    refusal = find_refusal(model, resolved.settings, devices=len(cards))
    if not refusal and not is_planned(model.hyper.architecture):
        raise UsageError(_not_planned(model), remedy=_without_a_plan(model, cards))
    if refusal:
        return Answer(
            model=model,
            resolved=resolved,
            plan=None,
            refusal=refusal,
            max_context=0,
            ends_at_used_context=None,
            best_change="",
        )
    plan = settle_plan(model, resolved.settings, cards, uses_cublas=resolved.uses_cublas)
    if plan.settings != resolved.settings:
        resolved = dataclasses.replace(resolved, assumptions=(*resolved.assumptions, _PIPELINE_DROPPED))
    return Answer(
        model=model,
        resolved=resolved,
        plan=plan,
        refusal="",
        max_context=largest_context(model, resolved.settings, plan),
        ends_at_used_context=ends_at(model, plan) if plan.fits else None,
        best_change="" if plan.fits else best_change(model, resolved, cards, plan),
    )


def _not_planned(model: Model) -> str:
    architecture = model.hyper.architecture
    why = "an embedding model has no KV cache" if is_embedding(architecture) else "its caches are of another kind"
    return f"rocmox cannot plan the memory of a {architecture} model: {why}"


def _without_a_plan(model: Model, cards: Sequence[CardMemory]) -> str:
    """What is known without a plan, and who knows the rest."""
    weights, room = model.file_bytes / _GIB, sum(card.capacity_mib for card in cards) / 1024
    if weights > room:
        return f"Its weights alone take {weights:.1f} GiB, the cards have {room:.1f}: take a smaller quantisation."
    return (
        f"Its weights take {weights:.1f} of the cards' {room:.1f} GiB; for the rest run llama-fit-params of that build "
        "on the machine, or start llama-server with a short context and read its memory breakdown."
    )


Change = tuple[str, Callable[[Settings], Settings]]


def _with(**values: object) -> Callable[[Settings], Settings]:
    return lambda settings: dataclasses.replace(settings, **values)  # type: ignore[arg-type]  # field names of Settings


_Q8, _Q4 = BY_NAME["q8_0"], BY_NAME["q4_0"]

# In the order of what they cost: nothing, prompt speed, a little quality, more of both.
_CHANGES: tuple[Change, ...] = (
    ("flash attention", _with(flash_attention=True)),
    ("micro batch 256", _with(ubatch_tokens=256)),
    ("split layer", _with(split="layer")),
    ("flash attention with micro batch 256", _with(flash_attention=True, ubatch_tokens=256)),
    ("KV q8_0 with flash attention", _with(kv_k=_Q8, kv_v=_Q8, flash_attention=True)),
    (
        "KV q8_0 with flash attention and micro batch 128",
        _with(kv_k=_Q8, kv_v=_Q8, flash_attention=True, ubatch_tokens=128),
    ),
    (
        "split layer, KV q8_0 with flash attention",
        _with(split="layer", kv_k=_Q8, kv_v=_Q8, flash_attention=True),
    ),
    (
        "KV q4_0 with flash attention and micro batch 128",
        _with(split="layer", kv_k=_Q4, kv_v=_Q4, flash_attention=True, ubatch_tokens=128),
    ),
)


def best_change(model: Model, resolved: Resolved, cards: Sequence[CardMemory], plan: MemoryPlan) -> str:
    """The least costly change that makes the asked context fit, else less context, host memory, or what is missing."""
    settings = resolved.settings
    for text, change in _CHANGES:
        changed = change(settings)
        if changed == settings or _loses(settings, changed) or find_refusal(model, changed, devices=len(cards)):
            continue
        other = settle_plan(model, changed, cards, uses_cublas=resolved.uses_cublas)
        if other.fits:
            most = largest_context(model, changed, other)
            return f"{text}: {at_least(most)} fits"
    if resolved.uses_cublas:
        other = settle_plan(model, settings, cards, uses_cublas=False)
        most = largest_context(model, settings, other)
        if most >= settings.context_tokens:
            return f"a build without forced cuBLAS: {at_least(most)} fits"
    most = largest_context(model, settings, plan)
    part = fitting_part(model, settings, cards, uses_cublas=resolved.uses_cublas)
    slower = f"{part} keeps {tokens(settings.context_tokens)}" if part else ""
    if most >= _USEFUL_CONTEXT or (most and not slower):
        return "; ".join(filter(None, (f"a shorter context: {at_least(most)} fits", slower)))
    return slower or _missing(model, resolved, cards)


def _loses(before: Settings, after: Settings) -> bool:
    """Whether a change takes back what the user already has, such as a smaller micro batch."""
    return after.ubatch_tokens > before.ubatch_tokens or after.kv_k.row_bytes(256) > before.kv_k.row_bytes(256)


def _missing(model: Model, resolved: Resolved, cards: Sequence[CardMemory]) -> str:
    smallest = dataclasses.replace(resolved.settings, context_tokens=STEP)
    plan = settle_plan(model, smallest, cards, uses_cublas=resolved.uses_cublas)
    worst = min(device.free_bytes for device in plan.devices)
    return (
        f"a smaller quantisation or more cards: even {STEP} tokens are {-worst >> 20} MiB too much for one card"
        if plan.settings.split != "none"
        else f"a smaller quantisation or a second card: even {STEP} tokens are {-worst >> 20} MiB too much"
    )


def tokens(count: int) -> str:
    """32768 as 32k, 33024 as 33024."""
    return f"{count // 1024}k" if count % 1024 == 0 else str(count)


def at_least(count: int) -> str:
    """33024 as 32k: rounded down, for what still fits."""
    return f"{count // 1024}k" if count >= 1024 else str(count)  # noqa: PLR2004 - a k
