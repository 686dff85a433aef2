"""A model's `gpu_layers` and `extra_arguments` in the words of `rocmox fit`, as far as memory depends on them.

Part of fit_models.py.
"""

from collections.abc import Iterator
from typing import Any

Wish = dict[str, Any]

ALL_LAYERS = 999
# llama-server's word → rocmox fit's, with a value: None takes the one that follows.
SAME: dict[str, tuple[str, str | None]] = {
    "-ub": ("--ubatch", None),
    "--ubatch-size": ("--ubatch", None),
    "-ncmoe": ("--n-cpu-moe", None),
    "--n-cpu-moe": ("--n-cpu-moe", None),
    "-cmoe": ("--n-cpu-moe", str(ALL_LAYERS)),
    "--cpu-moe": ("--n-cpu-moe", str(ALL_LAYERS)),
    "-ot": ("--override-tensor", None),
    "--override-tensor": ("--override-tensor", None),
    "-nkvo": ("--kv-offload", "off"),
    "--no-kv-offload": ("--kv-offload", "off"),
    "-kvu": ("--kv-unified", "on"),
    "--kv-unified": ("--kv-unified", "on"),
    "--swa-full": ("--swa-full", "on"),
}
# What rocmox fit has no word for: other devices, a second model, a smaller batch than the micro batch.
UNKNOWN = ("-dev", "--device", "-mg", "--main-gpu", "-md", "--model-draft", "-b", "--batch-size", "-mm", "--lora")
UNKNOWN_BEGINNINGS = ("--mmproj", "--lora", "--control-vector")


def translate(model: Wish) -> list[str]:
    """The words for rocmox fit."""
    words = [] if int(model["gpu_layers"]) >= ALL_LAYERS else ["--gpu-layers", str(model["gpu_layers"])]
    following = iter(map(str, model["extra_arguments"]))
    for word in following:
        if word in SAME:
            name, value = SAME[word]
            words.append(f"{name}={next(following, '') if value is None else value}")
    return words


def untranslatable(model: Wish) -> Iterator[str]:
    """Arguments that put memory elsewhere than rocmox fit expects it."""
    for word in map(str, model["extra_arguments"]):
        if word in UNKNOWN or word.startswith(UNKNOWN_BEGINNINGS):
            yield word
