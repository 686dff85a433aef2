"""Look at every desired model's header and plan its memory, before anything is changed.

Part of plan_role.py. Answers `{"problems": […], "memory": […], "notes": […]}`: what cannot be served at all, what does
not fit the cards, each with the way out, and what could not be looked at. A guest without visible cards has no memory
to plan: its models are asked only whether they are what they should be.
"""

import contextlib
import dataclasses
import os
import re
import signal
import tempfile
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from rocmox.engines.llamacpp.memory.cards import parse_cards
from rocmox.engines.llamacpp.memory.model import from_header
from rocmox.engines.llamacpp.memory.request import Request, resolve
from rocmox.engines.llamacpp.memory.solve import Answer, answer
from rocmox.engines.llamacpp.serving import memory_words, model_files
from rocmox.engines.llamacpp.serving.guest import web_access
from rocmox.errors import CannotLookError, RocmoxError, UsageError
from rocmox.facts.gguf import GgufHeader
from rocmox.facts.gguf_source import read_model

Desired = dict[str, Any]
Hide = Callable[[str], str]

MIB = 1 << 20
SECONDS = 60
NO_CARD = "1048576MiB"  # room for everything
NO_RANGES = "does not serve ranges"  # rocmox's words; such a header is looked at when the file is there
ANYWAY = "To go on without asking, set llama_cpp_fit: skip."


def request(desired: Desired, model: Desired, cards: list[str]) -> Request:
    """The question about one model."""
    return Request(
        build=desired["version"] if re.fullmatch(r"b\d+", desired["version"]) else "latest",
        context_tokens=int(model["context_tokens"]),
        split=model["split_mode"] if cards else "none",
        parallel=int(model["parallel"]),
        kv=model["cache_type_k"],
        kv_v=model["cache_type_v"],
        flash_attention=on_off(model["flash_attention"]),
        peer_copy=on_off(desired["peer_copy"]),
        cublas=on_off(desired["force_cublas"]),
        tensor_split=",".join(str(share) for share in model["tensor_split"] if cards),
    )


def on_off(value: object) -> str:
    """A boolean as an option's value."""
    return "on" if str(value).lower() == "true" else "off"


@contextlib.contextmanager
def limited_time() -> Iterator[None]:
    """A server that does not answer in time cannot be looked at."""
    signal.signal(signal.SIGALRM, too_late)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)


def too_late(*_signal: object) -> None:
    """Ends what takes too long."""
    raise CannotLookError(f"no answer within {SECONDS} s")


def ask(asked: Request, header: GgufHeader, name: str, cards: list[str]) -> Answer:
    """What the planner says; UsageError for what it does not take, CannotLookError when it takes too long."""
    with limited_time():
        model = from_header(header, name=name)
        specified = parse_cards("+".join(cards) or NO_CARD)
        return answer(model, resolve(asked, model, specified), specified)


def judge(desired: Desired, model: Desired) -> Iterator[tuple[str, str]]:
    """Everything about one model, as (kind, text)."""
    actual = desired["found"].get(model["file"])
    if not actual:
        yield from judge_header(desired, model, target=model["url"], place=web_access.shown(model["url"]))
        return
    for problem in model_files.checksum_problem(model, actual):
        yield "problems", problem
    with tempfile.TemporaryDirectory() as folder:
        target = model_files.write(actual, Path(folder))
        yield from judge_header(desired, model, target=str(target), place=model["file"])


def judge_header(desired: Desired, model: Desired, *, target: str, place: str) -> Iterator[tuple[str, str]]:
    """What a header says; a broken one is refused whatever the settings."""
    name = f"Model {model['name']!r}"

    def hide(text: str) -> str:
        return web_access.hide(text.replace(target, place))

    try:
        with limited_time():
            header = read_model(target)
    except (UsageError, CannotLookError) as error:
        said = hide(" ".join(f"{error.message}. {error.remedy}".split()))
        if isinstance(error, UsageError) and NO_RANGES not in said:
            yield "problems", f"{name} cannot be served: {said}"
        elif desired["cards"]:
            yield "notes", f"{name}: memory not planned yet; the controller cannot read its header: {said}"
        return
    if desired["fit"] != "skip":
        yield from plan(desired, model, header, hide=hide)


def plan(desired: Desired, model: Desired, header: GgufHeader, *, hide: Hide) -> Iterator[tuple[str, str]]:
    """What the planner says about a model whose header is whole."""
    name = f"Model {model['name']!r}"
    file = model["file"].rsplit("/", 1)[-1]
    unknown = next(memory_words.untranslatable(model), "")
    cards = [] if unknown else desired["cards"]
    why = f"{unknown} moves memory by hand" if unknown else ""
    asked = request(desired, model, cards)
    try:
        try:
            moved = dataclasses.replace(asked, **(memory_words.translate(model) if cards else {}))
            found = ask(moved, header, file, cards)
        except UsageError as error:
            if moved_nothing(model, cards):
                raise
            why, cards = hide(sentence(error)), []  # what it does not take are the model's own arguments
            found = ask(request(desired, model, cards), header, file, cards)
    except RocmoxError as error:
        said = hide(sentence(error))
        if why and desired["cards"]:
            yield "notes", f"{name}: memory not planned; {why}."
        if isinstance(error, UsageError) or not isinstance(error, CannotLookError):
            yield "problems", f"{name} cannot be served: {said} {ANYWAY}"
        elif desired["cards"]:
            yield "notes", f"{name}: memory not planned: {said}."
        return
    if why and desired["cards"]:
        yield "notes", f"{name}: memory not planned; {why}."
    yield from weigh(name, found, planned=bool(cards))


def moved_nothing(model: Desired, cards: list[str]) -> bool:
    """Whether the request holds none of the model's own arguments, so that those are not to blame."""
    try:
        return not cards or not memory_words.translate(model)
    except UsageError:
        return False


def sentence(error: RocmoxError) -> str:
    """An error of rocmox on one line."""
    said = f"{error.message}. {error.remedy}" if error.remedy else error.message
    return " ".join(said.split())


def weigh(name: str, found: Answer, *, planned: bool) -> Iterator[tuple[str, str]]:
    """What the planner's answer means for the play; without cards only what holds everywhere."""
    if found.refusal:
        yield "problems", f"{name} cannot start: {found.refusal}. {ANYWAY}"
    elif planned and not found.fits and found.plan is not None:
        worst = min(found.plan.devices, key=lambda device: device.free_bytes)
        missing = f"{-worst.free_bytes / MIB:.0f} MiB too much for a card of {worst.card.capacity_mib} MiB"
        yield "memory", f"{name} does not fit: {missing}. What would work: {found.best_change}."
    elif planned and found.ends_at_used_context:
        yield "notes", f"{name} loads, and runs out of memory beyond {found.ends_at_used_context} used tokens."


def main(desired: Desired) -> dict[str, list[str]]:
    """All models, in their order."""
    os.environ.update(desired["environment"])
    urllib.request.install_opener(urllib.request.build_opener(web_access.Passwords))
    said: dict[str, list[str]] = {"problems": [], "memory": [], "notes": []}
    for model in desired["models"]:
        for kind, text in judge(desired, model):
            said[kind].append(text)
    return said
