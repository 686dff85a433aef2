"""Plan the memory of every wished model by its header, before anything is changed.

Runs on the controller with rocmox on PYTHONPATH: `python3 fit_models.py < WISH`, WISH being the JSON object that
tasks/fit_models.yml writes (it may hold addresses with passwords, so it is no argument, and `rocmox fit` is called
instead of started). Prints `{"problems": [what cannot be served, with the best change], "notes": […]}`. A guest without
visible cards has no memory to plan: its models are asked only whether they are what they should be.
"""

import contextlib
import io
import json
import re
import signal
import sys
import urllib.parse
from collections.abc import Iterator
from typing import Any

from rocmox.cli.exit_codes import FAIL, USAGE
from rocmox.cli.main import main as rocmox

Wish = dict[str, Any]

ALL_LAYERS = 999
# Arguments of llama-server that put memory elsewhere than rocmox fit expects it.
MOVES_MEMORY = re.compile(
    r"-(ot|cmoe|ncmoe|nkvo|b|ub|dev|mg|md)|--(override-tensor|(n-)?cpu-moe|no-kv-offload|(u)?batch-size|device|main-gpu"
    r"|model-draft|mmproj.*|lora.*)"
)
SECONDS = 60
NO_CARD = "1048576MiB"  # room for everything
ANYWAY = "To go on without asking, set llama_cpp_fit: skip."


def command(wish: Wish, model: Wish) -> list[str]:
    """The question about one model."""
    version = wish["version"] if re.fullmatch(r"b\d+", wish["version"]) else "latest"
    words = [
        *("fit", model["url"], "--json"),
        *("--cards", "+".join(wish["cards"]) or NO_CARD),
        *("--llama-build", version),
        *("--context", str(model["context_tokens"])),
        *("--split", model["split_mode"] if wish["cards"] else "none"),
        *("--parallel", str(model["parallel"])),
        *("--kv", model["cache_type_k"], "--kv-v", model["cache_type_v"]),
        *("--flash-attn", on_off(model["flash_attention"])),
        *("--peer-copy", on_off(wish["peer_copy"])),
        *("--cublas", on_off(wish["force_cublas"])),
    ]
    shares = ",".join(str(share) for share in model["tensor_split"] if wish["cards"])
    return [*words, "--tensor-split", shares] if shares else words


def on_off(value: object) -> str:
    """A boolean as an option's value."""
    return "on" if str(value).lower() == "true" else "off"


def unplanned(model: Wish) -> str:
    """Why a model is not planned; empty when it is."""
    if not model.get("url"):
        return "its file lies in the guest already"
    if int(model["gpu_layers"]) < ALL_LAYERS:
        return f"gpu_layers is {model['gpu_layers']}, and only whole models are planned"
    moving = [word for word in model["extra_arguments"] if MOVES_MEMORY.fullmatch(word.partition("=")[0])]
    return f"{moving[0]} moves memory by hand" if moving else ""


def ask(words: list[str]) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a rocmox command."""
    out, errors = io.StringIO(), io.StringIO()
    signal.signal(signal.SIGALRM, too_late)
    signal.alarm(SECONDS)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
            code = rocmox(words)
    finally:
        signal.alarm(0)
    return code, out.getvalue(), errors.getvalue()


def too_late(*_signal: object) -> None:
    """A server that does not answer is as good as none."""
    raise TimeoutError


def judge(wish: Wish, model: Wish) -> Iterator[tuple[str, str]]:
    """Problems and notes about one model, each as (kind, text)."""
    name, why = f"Model {model['name']!r}", unplanned(model)
    if why:
        yield from note(wish, f"{name}: memory not planned; {why}.")
        return
    code, out, errors = ask(command(wish, model))
    if not out.startswith("{"):
        said = " ".join(errors.split()).replace(model["url"], shown(model["url"])).removeprefix("rocmox: ")
        if code in {FAIL, USAGE}:
            yield "problems", f"{name} cannot be served: {said.replace(' HINT:', '.')} {ANYWAY}"
        else:
            yield from note(wish, f"{name}: memory not planned; the controller cannot read its header: {said}.")
        return
    yield from weigh(name, json.loads(out), planned=bool(wish["cards"]))


def note(wish: Wish, text: str) -> Iterator[tuple[str, str]]:
    """A remark on planning, where there is a card to plan for."""
    if wish["cards"]:
        yield "notes", text


def weigh(name: str, answer: Wish, *, planned: bool) -> Iterator[tuple[str, str]]:
    """What rocmox fit's answer means for the play; without cards only what holds everywhere."""
    if answer.get("refusal"):
        yield "problems", f"{name} cannot start: {answer['refusal']}. {ANYWAY}"
    elif planned and not answer["fits"]:
        worst = min(answer["devices"], key=lambda device: device["free_mib"])
        missing = f"{-worst['free_mib']:.0f} MiB too much for a card of {worst['capacity_mib']} MiB"
        yield "problems", f"{name} does not fit: {missing}. What would work: {answer['best_change']}."
    elif planned and answer.get("ends_at_used_context"):
        yield "notes", f"{name} loads, and runs out of memory beyond {answer['ends_at_used_context']} used tokens."


def shown(url: str) -> str:
    """An address without what may be a password: user, and everything behind the path."""
    parts = urllib.parse.urlsplit(url)
    return urllib.parse.urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def main(wish: Wish) -> dict[str, list[str]]:
    """All models, in their order."""
    found: dict[str, list[str]] = {"problems": [], "notes": []}
    for model in wish["models"]:
        for kind, text in judge(wish, model):
            found[kind].append(text)
    return found


if __name__ == "__main__":
    print(json.dumps(main(json.load(sys.stdin)), ensure_ascii=False))
