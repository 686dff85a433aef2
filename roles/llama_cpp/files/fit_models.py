"""Plan the memory of every wished model by its header, before anything is changed.

Runs on the controller with rocmox on PYTHONPATH: `python3 fit_models.py WISH`, WISH being the JSON object that
tasks/fit_models.yml writes. Prints `{"problems": [what does not fit, with the best change], "notes": […]}`.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

Wish = dict[str, Any]

ALL_LAYERS = 999
# Arguments of llama-server that put memory elsewhere than rocmox fit expects it.
MOVES_MEMORY = re.compile(
    r"-(ot|cmoe|ncmoe|nkvo|b|ub|dev|mg|md)|--(override-tensor|(n-)?cpu-moe|no-kv-offload|(u)?batch-size|device|main-gpu"
    r"|model-draft|mmproj.*|lora.*)"
)
SECONDS = 60


def command(wish: Wish, model: Wish) -> list[str]:
    """The question about one model."""
    version = wish["version"] if re.fullmatch(r"b\d+", wish["version"]) else "latest"
    words = [
        *(sys.executable, "-m", "rocmox", "fit", model["url"], "--json"),
        *("--cards", "+".join(wish["cards"])),
        *("--llama-build", version),
        *("--context", str(model["context_tokens"])),
        *("--split", model["split_mode"]),
        *("--parallel", str(model["parallel"])),
        *("--kv", model["cache_type_k"], "--kv-v", model["cache_type_v"]),
        *("--flash-attn", on_off(model["flash_attention"])),
        *("--peer-copy", on_off(wish["peer_copy"])),
        *("--cublas", on_off(wish["force_cublas"])),
    ]
    shares = ",".join(str(share) for share in model["tensor_split"])
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


def judge(wish: Wish, model: Wish) -> Iterator[tuple[str, str]]:
    """Problems and notes about one model, each as (kind, text)."""
    name, why = f"Model {model['name']!r}", unplanned(model)
    if why:
        yield "notes", f"{name}: memory not planned; {why}."
        return
    try:
        run = subprocess.run(command(wish, model), capture_output=True, text=True, timeout=SECONDS, check=False)
        answer = json.loads(run.stdout)
    except (subprocess.TimeoutExpired, json.JSONDecodeError):
        yield "notes", f"{name}: memory not planned; the controller cannot read or judge the header of {model['url']}."
        return
    if answer.get("refusal"):
        yield "problems", f"{name} cannot start on these cards: {answer['refusal']}."
    elif not answer["fits"]:
        worst = min(answer["devices"], key=lambda device: device["free_mib"])
        missing = f"{-worst['free_mib']:.0f} MiB too much for a card of {worst['capacity_mib']} MiB"
        yield "problems", f"{name} does not fit: {missing}. What would work: {answer['best_change']}."
    elif answer.get("ends_at_used_context"):
        yield "notes", f"{name} loads, and runs out of memory beyond {answer['ends_at_used_context']} used tokens."


def main(wish: Wish) -> dict[str, list[str]]:
    """All models, in their order."""
    found: dict[str, list[str]] = {"problems": [], "notes": []}
    for model in wish["models"]:
        for kind, text in judge(wish, model):
            found[kind].append(text)
    return found


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1])), ensure_ascii=False))
