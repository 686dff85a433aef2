"""What llama.cpp refuses, known before anything is tried (`llama_init_from_model` of src/llama-context.cpp)."""

from __future__ import annotations

from rocmox.engines.llamacpp.memory.architectures import is_known, loads, splits_tensors
from rocmox.engines.llamacpp.memory.model import Model
from rocmox.engines.llamacpp.memory.settings import Settings

_NEEDED = ("token_embd.weight",)


def find_refusal(model: Model, settings: Settings, *, devices: int) -> str:
    """Why this cannot start at all, with what to do; empty when nothing does."""
    return (
        _refused_architecture(model, settings)
        or _refused_split(model, settings, devices)
        or _refused_cache(model, settings)
    )


def _refused_architecture(model: Model, settings: Settings) -> str:
    name, build = model.hyper.architecture, settings.build
    if not is_known(name):
        return f"no known llama.cpp loads the architecture {name!r}"
    if not loads(build, name):
        return f"{build.name} does not know the architecture {name!r}; take a newer build"
    missing = next((tensor for tensor in _NEEDED if tensor not in model.tensors), "")
    if missing:
        return f"the file has no {missing}; it is not a complete language model"
    if build.is_early and model.hyper.is_mla:
        return f"{build.name} does not load files with compressed attention (MLA); take a build of May 2025 or later"
    return ""


def _refused_split(model: Model, settings: Settings, devices: int) -> str:
    refused = settings.build.refuses_split(settings.split)
    if refused:
        return refused
    if settings.split == "tensor":
        if not settings.flash_attention:
            return "tensor split needs flash attention (SPLIT_MODE_TENSOR requires flash_attn to be enabled)"
        if not splits_tensors(model.hyper.architecture):
            return f"tensor split is not implemented for {model.hyper.architecture}; use layer"
    if settings.tensor_split and len(settings.tensor_split) != devices:
        return f"--tensor-split has {len(settings.tensor_split)} shares for {devices} cards"
    return ""


def _refused_cache(model: Model, settings: Settings) -> str:
    hyper, flash = model.hyper, settings.flash_attention
    if hyper.is_mla and settings.kv_k is not settings.kv_v:
        return "this model does not support different K and V cache types"
    if settings.kv_v.is_quantized and not flash:
        return "a quantised V cache needs flash attention; use --flash-attn on, or --kv-v f16"
    for part, kind, widths in (
        ("K", settings.kv_k, {hyper.head_k_of(layer) for layer in range(hyper.layers)}),
        ("V", settings.kv_v, {hyper.head_v_of(layer) for layer in range(hyper.layers)}),
    ):
        odd = next((width for width in widths if width % kind.block_elements), 0)
        if odd and flash:
            return f"heads of {odd} elements do not divide into {kind.name}'s blocks of {kind.block_elements} ({part})"
    return ""
