"""Inputs of attention in graphs since 2025: rows to store to, masks, rotations (src/llama-kv-cache.cpp)."""

from __future__ import annotations

from rocmox.engines.llamacpp.memory.graph import operations as op
from rocmox.engines.llamacpp.memory.graph.build import Build
from rocmox.engines.llamacpp.memory.graph.style import Inputs
from rocmox.engines.llamacpp.memory.graph.tensor import Tensor
from rocmox.facts.ggml_types import F16, F32, I64

_LARGEST_ROTATION = 64


def add_cache_inputs(build: Build, inputs: Inputs) -> None:
    """`build_attn_inp_kv`, `build_attn_inp_kv_iswa`."""
    hyper, settings = build.model.hyper, build.settings
    if not hyper.causal:
        kind = F16 if settings.flash_attention else F32
        inputs.mask = op.new_input("kq_mask", build.tokens, build.tokens, kind=kind)
        return
    if any(hyper.kv_heads):
        inputs.k_rows = _row_numbers(build)
        latent = hyper.is_mla and not settings.build.caches_latent_values
        inputs.v_rows = None if latent else _value_row_numbers(build)
        inputs.mask = _mask(build, build.kv_cells)
    if hyper.has_window:
        inputs.k_rows_sliding, inputs.v_rows_sliding = _row_numbers(build), _value_row_numbers(build)
        inputs.mask_sliding = _mask(build, build.kv_cells_sliding)
    if hyper.is_mla:
        return
    if not settings.build.rotates_cache:
        return
    if settings.kv_k.is_quantized:
        inputs.k_rotation = _rotation(_k_rotation_size(build, sliding=False))
        inputs.k_rotation_sliding = _rotation(_k_rotation_size(build, sliding=True))
    if settings.kv_v.is_quantized:
        inputs.v_rotation = _rotation(_v_rotation_size(build, sliding=False))
        inputs.v_rotation_sliding = _rotation(_v_rotation_size(build, sliding=True))


def _row_numbers(build: Build) -> Tensor:
    """`build_input_k_idxs`."""
    return op.new_input("k_idxs", build.tokens, kind=I64)


def _value_row_numbers(build: Build) -> Tensor:
    """`build_input_v_idxs`: without flash attention V lies transposed and every element has its own row."""
    if build.settings.flash_attention:
        return op.new_input("v_idxs", build.tokens, kind=I64)
    hyper = build.model.hyper
    return op.new_input("v_idxs", build.tokens * max(map(hyper.v_width, range(hyper.all_layers))), kind=I64)


def _mask(build: Build, cells: int) -> Tensor:
    """`build_attn_inp_kq_mask`: one row of the mask for each token, halves for flash attention."""
    version, flash = build.settings.build, build.settings.flash_attention
    rows = -(-(build.tokens // build.streams) // version.mask_padding) * version.mask_padding
    kind = F16 if flash and not version.casts_mask else F32
    mask = op.new_input("kq_mask", cells, rows, 1, build.streams, kind=kind)
    return op.cast(mask, F16) if flash and version.casts_mask else mask


def _k_rotation_size(build: Build, *, sliding: bool) -> int:
    """`build_input_k_rot`: the largest power of two, from 64, that divides the heads of K; 0 when they differ."""
    hyper = build.model.hyper
    widths = {hyper.head_k_of(layer) for layer in range(hyper.layers) if hyper.sliding[layer] is sliding}
    if len(widths) != 1 or hyper.head_k % _LARGEST_ROTATION:
        return 0
    size = _LARGEST_ROTATION
    (width,) = widths
    while width % (2 * size) == 0:
        size *= 2
    return size


def _v_rotation_size(build: Build, *, sliding: bool) -> int:
    """`build_input_v_rot`: always 64."""
    hyper = build.model.hyper
    widths = {hyper.head_v_of(layer) for layer in range(hyper.layers) if hyper.sliding[layer] is sliding}
    return _LARGEST_ROTATION if len(widths) == 1 and hyper.head_v % _LARGEST_ROTATION == 0 else 0


def _rotation(size: int) -> Tensor | None:
    return op.new_input("attn_rot", size, size) if size else None
