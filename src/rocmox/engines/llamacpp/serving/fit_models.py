"""Look at every wished model's header and plan its memory, before anything is changed.

Runs on the controller with rocmox on PYTHONPATH as `python3 -m` with this module, WISH on standard input: the JSON that
tasks/fit_models.yml writes (it may hold addresses with passwords, so it is no argument, and `rocmox fit` is called
instead of started). Prints `{"problems": […], "memory": […], "notes": […]}`: what cannot be served at all, what does
not fit the cards, each with the way out, and what could not be looked at. A guest without visible cards has no memory
to plan: its models are asked only whether they are what they should be.
"""

import contextlib
import io
import json
import os
import re
import signal
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rocmox.cli.exit_codes import FAIL, USAGE
from rocmox.cli.main import main as rocmox
from rocmox.engines.llamacpp.serving import memory_words, model_files
from rocmox.engines.llamacpp.serving.guest import web_access
from rocmox.errors import CannotLookError, UsageError
from rocmox.facts.gguf_source import read_model

Wish = dict[str, Any]

SECONDS = 60
NO_CARD = "1048576MiB"  # room for everything
NO_RANGES = "does not serve ranges"  # rocmox's words; such a header is looked at when the file is there
ANYWAY = "To go on without asking, set llama_cpp_fit: skip."


def command(wish: Wish, model: Wish, target: str, cards: list[str]) -> list[str]:
    """The question about one model."""
    version = wish["version"] if re.fullmatch(r"b\d+", wish["version"]) else "latest"
    words = [
        *("fit", target, "--json"),
        *("--cards", "+".join(cards) or NO_CARD),
        *("--llama-build", version),
        *("--context", str(model["context_tokens"])),
        *("--split", model["split_mode"] if cards else "none"),
        *("--parallel", str(model["parallel"])),
        *("--kv", model["cache_type_k"], "--kv-v", model["cache_type_v"]),
        *("--flash-attn", on_off(model["flash_attention"])),
        *("--peer-copy", on_off(wish["peer_copy"])),
        *("--cublas", on_off(wish["force_cublas"])),
    ]
    shares = ",".join(str(share) for share in model["tensor_split"] if cards)
    return [*words, "--tensor-split", shares] if shares else words


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


def ask(words: list[str]) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a rocmox command."""
    out, errors = io.StringIO(), io.StringIO()
    with limited_time(), contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
        code = rocmox(words)
    return code, out.getvalue(), errors.getvalue()


def judge(wish: Wish, model: Wish) -> Iterator[tuple[str, str]]:
    """Everything about one model, as (kind, text)."""
    found = wish["found"].get(model["file"])
    if not found:
        yield from judge_header(wish, model, target=model["url"], place=web_access.shown(model["url"]))
        return
    for problem in model_files.checksum_problem(model, found):
        yield "problems", problem
    with tempfile.TemporaryDirectory() as folder:
        target = model_files.write(found, Path(folder))
        yield from judge_header(wish, model, target=str(target), place=model["file"])


def judge_header(wish: Wish, model: Wish, *, target: str, place: str) -> Iterator[tuple[str, str]]:
    """What a header says; a broken one is refused whatever the settings."""
    name = f"Model {model['name']!r}"
    try:
        with limited_time():
            read_model(target)
    except (UsageError, CannotLookError) as error:
        said = web_access.hide(" ".join(f"{error.message}. {error.remedy}".split()).replace(target, place))
        if isinstance(error, UsageError) and NO_RANGES not in said:
            yield "problems", f"{name} cannot be served: {said}"
        elif wish["cards"]:
            yield "notes", f"{name}: memory not planned yet; the controller cannot read its header: {said}"
        return
    if wish["fit"] != "skip":
        yield from plan(wish, model, target=target, place=place)


def plan(wish: Wish, model: Wish, *, target: str, place: str) -> Iterator[tuple[str, str]]:
    """What `rocmox fit` says about a model whose header is whole."""
    name = f"Model {model['name']!r}"
    unknown, moved = next(memory_words.untranslatable(model), ""), memory_words.translate(model)
    cards = [] if unknown else wish["cards"]
    why = f"{unknown} moves memory by hand" if unknown else ""
    code, out, errors = ask([*command(wish, model, target, cards), *(moved if cards else [])])
    if code == USAGE and cards and moved:  # its words are what it does not take
        why = web_access.hide(" ".join(errors.split()).replace(target, place))
        cards = []
        code, out, errors = ask(command(wish, model, target, cards))
    if why and wish["cards"]:
        yield "notes", f"{name}: memory not planned; {why}."
    if out.startswith("{"):
        yield from weigh(name, json.loads(out), planned=bool(cards))
        return
    said = web_access.hide(" ".join(errors.split()).replace(target, place)).removeprefix("rocmox: ")
    said = said.replace(" HINT:", ".")
    if code in {FAIL, USAGE}:
        yield "problems", f"{name} cannot be served: {said} {ANYWAY}"
    elif wish["cards"]:
        yield "notes", f"{name}: memory not planned: {said}."


def weigh(name: str, answer: Wish, *, planned: bool) -> Iterator[tuple[str, str]]:
    """What rocmox fit's answer means for the play; without cards only what holds everywhere."""
    if answer.get("refusal"):
        yield "problems", f"{name} cannot start: {answer['refusal']}. {ANYWAY}"
    elif planned and not answer["fits"]:
        worst = min(answer["devices"], key=lambda device: device["free_mib"])
        missing = f"{-worst['free_mib']:.0f} MiB too much for a card of {worst['capacity_mib']} MiB"
        yield "memory", f"{name} does not fit: {missing}. What would work: {answer['best_change']}."
    elif planned and answer.get("ends_at_used_context"):
        yield "notes", f"{name} loads, and runs out of memory beyond {answer['ends_at_used_context']} used tokens."


def main(wish: Wish) -> dict[str, list[str]]:
    """All models, in their order."""
    os.environ.update(wish["environment"])
    urllib.request.install_opener(urllib.request.build_opener(web_access.Passwords))
    answer: dict[str, list[str]] = {"problems": [], "memory": [], "notes": []}
    for model in wish["models"]:
        for kind, text in judge(wish, model):
            answer[kind].append(text)
    return answer


if __name__ == "__main__":
    print(json.dumps(main(json.load(sys.stdin)), ensure_ascii=False))
