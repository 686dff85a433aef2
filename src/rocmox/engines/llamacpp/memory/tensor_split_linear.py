"""Tensor split of layers with linear attention (qwen3next, qwen35): they are cut by heads of keys and values.

`get_split_segments` and `get_split_granularity` in `llama_meta_device_get_split_state` (src/llama-model.cpp, 2026-10).
"""

from __future__ import annotations

import math

from rocmox.engines.llamacpp.memory.model import Model
from rocmox.engines.llamacpp.memory.recurrent import conv_state_width, keeps_state, scan_state_width

_KERNEL_STEP = 128
_AXES = {
    "attn_qkv.weight": 1,
    "attn_gate.weight": 1,
    "ssm_conv1d.weight": 1,
    "ssm_alpha.weight": 1,
    "ssm_beta.weight": 1,
    "ssm_ba.weight": 1,
    "ssm_out.weight": 0,
    "ssm_dt.bias": 0,
    "ssm_a": 0,
}
_BY_HEADS = {"ssm_dt.bias", "ssm_a", "ssm_alpha.weight", "ssm_beta.weight"}

Segments = list[tuple[int, int, int]]


def is_linear(model: Model, layer: int) -> bool:
    """Whether a layer is cut by these rules."""
    return keeps_state(model.hyper, layer) and "ssm_out.weight" in model.by_layer[layer]


def linear_axis(rest: str) -> int | None:
    """Along which axis a tensor of such a layer is cut; None copies it."""
    return _AXES.get(rest)


def linear_segments(model: Model, layer: int, rest: str, length: int) -> Segments:
    """(length, repeats, step) of the parts of one tensor."""
    rec, step = model.hyper.recurrent, _step(model, layer)
    key, value = rec.state * rec.groups, rec.inner
    ratio = max(1, rec.step_rank // rec.groups)
    heads = step // rec.state
    if rest == "ssm_ba.weight":
        return [(length, 1, 2 * heads)]
    if rest in _BY_HEADS:
        return [(length, 1, heads)] if _is_early(model) else [(rec.groups, ratio, heads)]
    if rest in {"attn_qkv.weight", "ssm_conv1d.weight"}:
        return [(key, 2, step), (value, 1, step)] if _is_early(model) else [(key, 2 + ratio, step)]
    return [(length, 1, step)] if _is_early(model) else [(key, ratio, step)]


def state_segments(model: Model, layer: int) -> Segments:
    """The parts of both states of one slot, in floats."""
    hyper, rec, step = model.hyper, model.hyper.recurrent, _step(model, layer)
    before = max(rec.conv_kernel - 1, 0)
    ratio = max(1, rec.step_rank // rec.groups)
    key, scan = rec.state * rec.groups * before, scan_state_width(hyper)
    if _is_early(model):
        value = conv_state_width(hyper) - 2 * key
        return [(key, 2, step * before), (value, 1, step * before), (scan, 1, step * rec.state)]
    return [(key, 2 + ratio, step * before), (scan // ratio, ratio, step * rec.state)]


def _is_early(model: Model) -> bool:
    """In Qwen 3 Next neighbouring heads of V share a head of K; later models interleave them."""
    return model.hyper.architecture == "qwen3next"


def _step(model: Model, layer: int) -> int:
    block = model.by_layer[layer]["ssm_out.weight"].kind.block_elements
    return math.lcm(math.lcm(block, _KERNEL_STEP), model.hyper.recurrent.state)
