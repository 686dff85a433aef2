"""A model and cards by name to an answer."""

from __future__ import annotations

from rocmox.engines.llamacpp.memory.catalogue import find_model
from rocmox.engines.llamacpp.memory.machine_cards import cards_named
from rocmox.engines.llamacpp.memory.request import Request, resolve
from rocmox.engines.llamacpp.memory.solve import Answer, answer


def plan_named(model: str, request: Request, *, cards: str, machine: str) -> Answer:
    """UsageError for a model or cards that do not exist, CannotLookError when they cannot be read."""
    group = cards_named(cards, machine=machine)
    found = find_model(model)
    return answer(found, resolve(request, found, group), group)
