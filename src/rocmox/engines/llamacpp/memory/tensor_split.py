"""Tensor split (`-sm tensor`, since April 2026): every matrix is cut, every GPU computes a part of every layer.

`llama_meta_device_get_split_state` of src/llama-model.cpp says along which axis, in which steps, where remainders go:
cuts are rounded down to whole heads or quantisation blocks, and the rounding rotates from layer to layer.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import re
import struct
from collections.abc import Iterator, Sequence

from rocmox.engines.llamacpp.memory.kv_cache import Cells, has_cache
from rocmox.engines.llamacpp.memory.model import Model
from rocmox.engines.llamacpp.memory.recurrent import keeps_state, state_bytes
from rocmox.engines.llamacpp.memory.settings import Settings
from rocmox.engines.llamacpp.memory.tensor_split_linear import is_linear, linear_axis, linear_segments, state_segments
from rocmox.engines.llamacpp.memory.weights import Weights, is_host_tensor
from rocmox.facts.gguf import TensorInfo

_ALIGNMENT = 128
_KERNEL_STEP = 128
_FLOAT_BYTES = 4
_BY_ROWS = re.compile(r"attn_(q|k|v|qkv|gate)\.weight|ffn_(up|gate|gate_up)(_exps)?\.weight")
_BY_LENGTH = re.compile(r"attn_(q|k|v|qkv)\.bias|attn_sinks\.weight|ffn_(up|gate)(_exps)?\.bias")
_BY_COLUMNS = re.compile(r"attn_output\.weight|ffn_down(_exps)?\.weight")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Cut:
    """Elements of a dimension on each device; `axis` 0 is the row, 1 counts rows, None copies the whole tensor."""

    axis: int | None
    counts: tuple[int, ...]


def tensor_weights(model: Model, shares: Sequence[float], *, alignment: int = _ALIGNMENT) -> Weights:
    """Bytes on each device; norms, tied outputs and whatever has no rule are copied to all."""
    totals = [0] * len(shares)
    host = 0
    tied = "output.weight" not in model.tensors
    for name, tensor in model.loaded.items():
        if is_host_tensor(name):
            host += tensor.data_bytes
            if not (tied and name == "token_embd.weight"):
                continue
        cut = cut_tensor(model, name, tensor, tuple(shares))
        for device in range(len(shares)):
            size = _part_bytes(tensor, cut, device)
            totals[device] += -(-size // alignment) * alignment
    return Weights(device_bytes=tuple(totals), host_bytes=host)


def tensor_cache_bytes(model: Model, settings: Settings, cells: Cells, shares: Sequence[float]) -> list[int]:
    """Bytes of KV cache and states on each device: whole heads; states of short convolutions are on every device."""
    devices = len(shares)
    totals = [0] * devices
    for layer in range(model.hyper.layers):
        rotation = _rotation(model, layer, devices)
        for length, repeats, step, unit_bytes in _cache_parts(model, settings, cells, layer, devices):
            for device, count in enumerate(_cut(length, step, tuple(shares), rotation)):
                totals[device] += repeats * int(count * unit_bytes)
        if keeps_state(model.hyper, layer) and not is_linear(model, layer):
            totals = [total + state_bytes(model, settings, layer) for total in totals]
    return totals


def _cache_parts(
    model: Model, settings: Settings, cells: Cells, layer: int, devices: int
) -> Iterator[tuple[int, int, int, float]]:
    """(length, repeats, step, bytes of an element in all cells) of what one layer caches."""
    hyper = model.hyper
    if is_linear(model, layer):
        for length, repeats, step in state_segments(model, layer):
            yield length, repeats, step, _FLOAT_BYTES * settings.parallel
    elif has_cache(hyper, layer):
        rows = (cells.sliding if hyper.sliding[layer] else cells.full) * cells.streams
        heads = _head_steps(model, layer, devices).kv_heads
        for kind, width, head in (
            (settings.kv_k, hyper.k_width(layer), hyper.head_k_of(layer)),
            (settings.kv_v, hyper.v_width(layer), hyper.head_v_of(layer)),
        ):
            yield width, 1, heads * head, kind.block_bytes / kind.block_elements * rows


def cut_tensor(model: Model, name: str, tensor: TensorInfo, shares: tuple[float, ...]) -> Cut:
    """How one tensor is cut."""
    if name == "output.weight":
        rotation = model.hyper.layers % len(shares)
        return Cut(axis=1, counts=_cut(tensor.shape[1], 1, shares, rotation))
    block, _, rest = name.removeprefix("blk.").partition(".")
    if not name.startswith("blk."):
        return Cut(axis=None, counts=())
    layer = int(block)
    axis = _axis(model, layer, rest)
    if axis is None:
        return Cut(axis=None, counts=())
    rotation = _rotation(model, layer, len(shares))
    counts = [0] * len(shares)
    for length, repeats, step in _segments(model, layer, rest, tensor.shape[axis], len(shares)):
        for device, count in enumerate(_cut(length, step, shares, rotation)):
            counts[device] += repeats * count
    return Cut(axis=axis, counts=tuple(counts))


def _axis(model: Model, layer: int, rest: str) -> int | None:
    if is_linear(model, layer) and not rest.startswith("ffn"):
        return linear_axis(rest)
    if _BY_ROWS.fullmatch(rest):
        return 1
    return 0 if _BY_LENGTH.fullmatch(rest) or _BY_COLUMNS.fullmatch(rest) else None


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Steps:
    """Cuts of attention tensors fall between groups of heads; `heads` of Q belong to `kv_heads`."""

    heads: int
    kv_heads: int


@functools.cache
def _heads_step(group: int, head: int, block: int, devices: int) -> _Steps:
    step = block
    while step < _KERNEL_STEP and step * devices < group * head:
        step *= 2
    heads = math.lcm(group * head, step) // head
    return _Steps(heads=heads, kv_heads=max(1, heads // group))


def _head_steps(model: Model, layer: int, devices: int) -> _Steps:
    hyper = model.hyper
    group = hyper.heads[layer] // max(1, hyper.kv_heads[layer])
    output = model.by_layer[layer].get("attn_output.weight")
    return _heads_step(group, hyper.head_k_of(layer), output.kind.block_elements if output else 1, devices)


def _segments(model: Model, layer: int, rest: str, length: int, devices: int) -> list[tuple[int, int, int]]:
    """(length, repeats, step) of the parts that are cut one by one: fused projections have several."""
    hyper = model.hyper
    if rest.startswith("ffn"):
        return _network_segments(model, layer, rest, length)
    if is_linear(model, layer):
        return linear_segments(model, layer, rest, length)
    steps = _head_steps(model, layer, devices)
    head_k, head_v = hyper.head_k_of(layer), hyper.head_v_of(layer)
    if rest.startswith("attn_qkv"):
        return [
            (hyper.heads[layer] * head_k, 1, steps.heads * head_k),
            (hyper.k_width(layer), 1, steps.kv_heads * head_k),
            (hyper.v_width(layer), 1, steps.kv_heads * head_v),
        ]
    per_head = rest.startswith("attn_sinks") or (rest.startswith("attn_gate") and length == hyper.heads[layer])
    gated = 2 if rest.startswith("attn_q") and length == 2 * hyper.heads[layer] * head_k else 1
    step = {
        "attn_k": steps.kv_heads * head_k,
        "attn_v": steps.kv_heads * head_v,
        "attn_output": steps.heads * head_v,
    }.get(rest.partition(".")[0], steps.heads if per_head else gated * steps.heads * head_k)
    return [(length, 1, step)]


def _network_segments(model: Model, layer: int, rest: str, length: int) -> list[tuple[int, int, int]]:
    tensors = model.by_layer[layer]
    down = tensors.get("ffn_down.weight") or tensors.get("ffn_down_exps.weight")
    step = math.lcm(down.kind.block_elements if down else 1, _KERNEL_STEP)
    fused = rest.startswith("ffn_gate_up") or (
        rest.startswith("ffn_up") and length == 2 * model.hyper.feed_forward[layer]
    )
    return [(length // 2, 2, step)] if fused else [(length, 1, step)]


def _rotation(model: Model, layer: int, devices: int) -> int:
    """Where the rounding begins: counted over earlier layers of the same kind."""
    hyper = model.hyper
    kinds = [(hyper.sliding[index], keeps_state(hyper, index)) for index in range(layer + 1)]
    return kinds[:-1].count(kinds[-1]) % devices


def _cut(length: int, step: int, shares: tuple[float, ...], rotation: int) -> tuple[int, ...]:
    """Cumulative shares, rounded down to the step; the last device in the rotated order takes the rest."""
    devices = len(shares)
    ends: list[float] = []
    for place in range(devices):
        ends.append(_single(shares[(place + rotation) % devices] + (ends[-1] if ends else 0.0)))
    counts = [0] * devices
    low = 0
    for place in range(devices - 1):
        high = int(_single(_single(length * ends[place]) / ends[-1]))
        high -= high % step
        counts[(place + rotation) % devices] = high - low
        low = high
    counts[(devices - 1 + rotation) % devices] = length - low
    return tuple(counts)


def _single(value: float) -> float:
    single: float = struct.unpack("f", struct.pack("f", value))[0]
    return single


def _part_bytes(tensor: TensorInfo, cut: Cut, device: int) -> int:
    if cut.axis is None:
        return tensor.data_bytes
    others = math.prod(tensor.shape[1:]) if cut.axis == 0 else math.prod(tensor.shape[2:])
    if cut.axis == 0:
        return tensor.kind.row_bytes(cut.counts[device]) * others
    return tensor.kind.row_bytes(tensor.shape[0]) * cut.counts[device] * others
