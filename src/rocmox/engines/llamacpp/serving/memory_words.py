"""A model's `gpu_layers` and `extra_arguments` as the planner of memory takes them, as far as memory depends on them.

Part of fit_models.py.
"""

from collections.abc import Iterator
from typing import Any

from rocmox.errors import UsageError

Settings = dict[str, Any]

ALL_LAYERS = 999
# llama-server's word → the field of memory.request.Request, with a value: None takes the one that follows.
SAME: dict[str, tuple[str, str | None]] = {
    "-ub": ("ubatch_tokens", None),
    "--ubatch-size": ("ubatch_tokens", None),
    "-ncmoe": ("cpu_expert_layers", None),
    "--n-cpu-moe": ("cpu_expert_layers", None),
    "-cmoe": ("cpu_expert_layers", str(ALL_LAYERS)),
    "--cpu-moe": ("cpu_expert_layers", str(ALL_LAYERS)),
    "-ot": ("override_tensor", None),
    "--override-tensor": ("override_tensor", None),
    "-nkvo": ("kv_offload", "off"),
    "--no-kv-offload": ("kv_offload", "off"),
    "-kvu": ("kv_unified", "on"),
    "--kv-unified": ("kv_unified", "on"),
    "--swa-full": ("full_windows", "on"),
}
NUMBERS = frozenset({"ubatch_tokens", "cpu_expert_layers"})
# What the planner has no field for: other devices, a second model, a smaller batch than the micro batch.
UNKNOWN = ("-dev", "--device", "-mg", "--main-gpu", "-md", "--model-draft", "-b", "--batch-size", "-mm", "--lora")
UNKNOWN_BEGINNINGS = ("--mmproj", "--lora", "--control-vector")


def translate(model: Settings) -> dict[str, Any]:
    """Fields of a request; UsageError for a value that is not a number where one belongs."""
    given = int(model["gpu_layers"])
    fields: dict[str, Any] = {} if given >= ALL_LAYERS else {"gpu_layers": given}
    following = iter(map(str, model["extra_arguments"]))
    for word in following:
        if word in SAME:
            name, value = SAME[word]
            text = next(following, "") if value is None else value
            fields[name] = number(word, text) if name in NUMBERS else text
    return fields


def number(word: str, text: str) -> int:
    """The value of an option that takes a whole number."""
    try:
        return int(text)
    except ValueError as error:
        raise UsageError(f"extra_arguments: {word} {text!r} is not a whole number") from error


def untranslatable(model: Settings) -> Iterator[str]:
    """Arguments that put memory elsewhere than the planner expects it."""
    for word in map(str, model["extra_arguments"]):
        if word in UNKNOWN or word.startswith(UNKNOWN_BEGINNINGS):
            yield word
