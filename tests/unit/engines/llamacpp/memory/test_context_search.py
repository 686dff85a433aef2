"""The search for the largest context says what plain bisection says, with a fraction of its graphs."""

import dataclasses

import pytest

from rocmox.engines.llamacpp.memory import plan as planning
from rocmox.engines.llamacpp.memory.cards import CardMemory, parse_cards
from rocmox.engines.llamacpp.memory.catalogue import find_model
from rocmox.engines.llamacpp.memory.context_search import STEP, largest_context, trained_for
from rocmox.engines.llamacpp.memory.model import Model
from rocmox.engines.llamacpp.memory.plan import settle_plan
from rocmox.engines.llamacpp.memory.request import Request, resolve
from rocmox.engines.llamacpp.memory.settings import Settings


def bisect(model: Model, settings: Settings, cards: tuple[CardMemory, ...], *, uses_cublas: bool) -> int:
    """A graph, or two, for every step."""

    def holds(steps: int) -> bool:
        sized = dataclasses.replace(settings, context_tokens=steps * STEP)
        return settle_plan(model, sized, cards, uses_cublas=uses_cublas).fits

    low, high = 0, max(trained_for(model, settings), settings.context_tokens, STEP) // STEP + 1
    if not holds(1):
        return 0
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low * STEP


@pytest.mark.parametrize(
    ("name", "cards", "request_"),
    [
        ("llama-3.1-8b:q4_K_M", "1x8192MiB", Request()),
        ("llama-3.1-8b:q4_K_M", "2x4096MiB", Request(flash_attention="off", context_tokens=2048)),
        ("llama-3.1-8b:q4_K_M", "2x4096MiB", Request(build="b6170", ubatch_tokens=2048, logits="all")),
        ("llama-3.1-8b:q8_0", "2x8192MiB", Request(split="row", build="b4447", context_tokens=5000)),
        ("llama-3.1-8b:q8_0", "3x4096MiB", Request(split="tensor", parallel=4, kv_unified="off")),
        ("llama-3.1-8b:q8_0", "1x12288MiB", Request(kv="q8_0", parallel=2)),
        ("llama-3.1-8b:q8_0", "2x4096MiB", Request()),
        ("llama-3.1-8b:q2_K", "1xmi50-32g", Request(context_tokens=300)),
    ],
)
def test_it_says_what_plain_bisection_says(name: str, cards: str, request_: Request) -> None:
    model, group = find_model(name), parse_cards(cards)
    resolved = resolve(request_, model, group)
    made = settle_plan(model, resolved.settings, group, uses_cublas=resolved.uses_cublas)
    found = largest_context(model, resolved.settings, made)
    assert found == bisect(model, resolved.settings, group, uses_cublas=resolved.uses_cublas)


def test_few_graphs_are_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    model, group = find_model("llama-3.3-70b:q4_K_S"), parse_cards("3xmi50-16g")
    resolved = resolve(Request(), model, group)
    made = settle_plan(model, resolved.settings, group, uses_cublas=resolved.uses_cublas)
    compute, counted = planning.compute_buffers, []

    def counting(*arguments: object, **named: object) -> object:
        counted.append(arguments)
        return compute(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(planning, "compute_buffers", counting)
    assert largest_context(model, resolved.settings, made) >= 8192
    assert 0 < len(counted) <= 4
