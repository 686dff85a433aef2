"""Layers that keep a state instead of a cache: Mamba 1 and 2, short convolutions, gated delta nets.

`build_mamba_layer`, `build_mamba2_layer` (src/models/mamba-base.cpp), `build_shortconv_block` (lfm2.cpp),
`build_layer_attn_linear` with the fused delta net (qwen3next.cpp, delta-net-base.cpp) of 2026-10.
"""

from __future__ import annotations

from rocmox.facts.ggml_types import F32
from rocmox.fit.graph import operations as op
from rocmox.fit.graph.build import Build
from rocmox.fit.graph.pieces import norm, project
from rocmox.fit.graph.style import Inputs
from rocmox.fit.graph.tensor import Tensor
from rocmox.fit.model import IncompleteModelError
from rocmox.fit.recurrent import conv_state_width, scan_state_width


def keeps_state(build: Build, layer: int) -> bool:
    """Whether a layer has the weights of one of these."""
    return any(build.has(layer, f"{name}.weight") for name in ("ssm_in", "ssm_conv1d", "shortconv.in_proj"))


def build_state_layer(build: Build, inputs: Inputs, layer: int, current: Tensor) -> Tensor:
    """The layer's part between its norm and the residual."""
    if build.has(layer, "shortconv.in_proj.weight"):
        return _short_convolution(build, inputs, layer, current)
    if build.has(layer, "ssm_x.weight"):
        return _mamba(build, inputs, layer, current)
    if build.has(layer, "ssm_out.weight") and build.has(layer, "attn_gate.weight"):
        return _delta_net(build, inputs, layer, current)
    return _mamba2(build, inputs, layer, current)


def _stored(build: Build, inputs: Inputs, layer: int, part: str, width: int) -> tuple[Tensor, Tensor]:
    """A layer's state, and the rows of it that this batch uses (`build_rs`)."""
    state = build.state(layer, part, width)
    if inputs.states is None:
        raise IncompleteModelError("size of its recurrent states")
    return state, op.get_rows(state, inputs.states)


def _convolve(build: Build, inputs: Inputs, layer: int, current: Tensor, weight: str) -> Tensor:
    """Causal convolution over the last tokens, the first of which come from the state."""
    sequences, kernel = build.sequences, build.of_layer(layer, f"{weight}.weight")
    if kernel is None:
        raise IncompleteModelError(f"blk.{layer}.{weight}.weight")
    channels, before = current.ne[0], kernel.ne[0] - 1
    state, rows = _stored(build, inputs, layer, "r", conv_state_width(build.model.hyper))
    rows = op.reshape(build.graph.expand(rows), before, channels, sequences)
    joined = op.concat(rows, op.transpose(current), 0)
    kept = op.view(joined, op.four(before, channels, sequences), joined.nb)
    build.graph.expand(op.copy_into(kept, op.view(state, op.four(before * channels, sequences))))
    return Tensor("ssm_conv", F32, op.four(channels, build.tokens // sequences, sequences), (joined, kernel))


def _biased(build: Build, current: Tensor, layer: int, name: str) -> Tensor:
    bias = build.of_layer(layer, name)
    return current if bias is None else op.like("add", current, bias)


def _scan(build: Build, inputs: Inputs, layer: int, sources: tuple[Tensor, ...], inner: int) -> Tensor:
    """`ggml_ssm_scan`: results of all tokens and the new states in one tensor; the states are stored."""
    width = scan_state_width(build.model.hyper)
    state = build.state(layer, "s", width)
    size = build.tokens * inner + width * build.sequences
    scanned = Tensor("ssm_scan", F32, op.four(size), (state, *sources, inputs.states or state))
    new = op.view(scanned, op.four(width, build.sequences))
    build.graph.expand(op.copy_into(new, op.view(state, op.four(width, build.sequences))))
    return scanned


def _mamba2(build: Build, inputs: Inputs, layer: int, current: Tensor) -> Tensor:
    rec, tokens, sequences = build.model.hyper.recurrent, build.tokens, build.sequences
    each = tokens // sequences
    heads, inner = rec.step_rank, rec.inner
    channels = inner + 2 * rec.groups * rec.state
    joined = project(build, current, layer, "ssm_in")
    joined = op.reshape(joined, joined.ne[0], each, sequences)
    gate = op.view(joined, (inner // heads, heads, each, sequences), joined.nb)
    mixed = op.view(joined, op.four(channels, each, sequences), joined.nb)
    steps = op.view(joined, op.four(heads, each, sequences), joined.nb)
    mixed = _convolve(build, inputs, layer, mixed, "ssm_conv1d")
    mixed = op.like("unary", _biased(build, mixed, layer, "ssm_conv1d.bias"))
    x = op.view(mixed, (inner // heads, heads, each, sequences), mixed.nb)
    parts = [op.view(mixed, (rec.state, rec.groups, each, sequences), mixed.nb) for _ in range(2)]
    steps = _biased(build, op.cont(steps), layer, "ssm_dt.bias")
    scanned = _scan(build, inputs, layer, (x, steps, *parts), inner)
    result = op.view(scanned, (inner // heads, heads, each, sequences))
    skip = build.of_layer(layer, "ssm_d")
    if skip is not None:
        result = op.like("add", result, op.like("mul", x, skip))
    result = op.gated("swiglu", op.cont(gate), result)
    if build.has(layer, "ssm_norm.weight"):
        result = norm(build, op.reshape(result, inner // rec.groups, rec.groups, each, sequences), layer, "ssm_norm")
    return project(build, op.reshape(result, inner, tokens), layer, "ssm_out")


def _mamba(build: Build, inputs: Inputs, layer: int, current: Tensor) -> Tensor:
    rec, tokens, sequences = build.model.hyper.recurrent, build.tokens, build.sequences
    each, inner = tokens // sequences, rec.inner
    joined = project(build, op.reshape(current, current.ne[0], each, sequences), layer, "ssm_in")
    x, gate = (op.view(joined, op.four(inner, each, sequences), joined.nb) for _ in range(2))
    x = _convolve(build, inputs, layer, x, "ssm_conv1d")
    x = op.like("unary", _biased(build, x, layer, "ssm_conv1d.bias"))
    small = project(build, x, layer, "ssm_x")
    steps = op.view(small, op.four(rec.step_rank, each, sequences), small.nb)
    parts = [op.view(small, op.four(rec.state, 1, each, sequences), small.nb) for _ in range(2)]
    if build.has(layer, "ssm_dt_norm.weight"):
        steps = norm(build, steps, layer, "ssm_dt_norm")
        parts = [norm(build, part, layer, name) for part, name in zip(parts, ("ssm_b_norm", "ssm_c_norm"), strict=True)]
    else:
        steps = op.cont(steps)
    steps = project(build, steps, layer, "ssm_dt")
    scanned = _scan(build, inputs, layer, (op.reshape(x, 1, inner, each, sequences), steps, *parts), inner)
    result = op.view(scanned, op.four(inner, each, sequences))
    skip = build.of_layer(layer, "ssm_d")
    if skip is not None:
        result = op.like("add", result, op.like("mul", x, skip))
    result = project(build, op.gated("swiglu", op.cont(gate), result), layer, "ssm_out")
    return op.reshape(result, result.ne[0], tokens)


def _short_convolution(build: Build, inputs: Inputs, layer: int, current: Tensor) -> Tensor:
    width, sequences = build.model.hyper.embedding, build.sequences
    each = build.tokens // sequences
    current = op.reshape(current, width, each, sequences)
    joined = project(build, current, layer, "shortconv.in_proj")
    b, c, x = (op.view(joined, op.four(width, each, sequences), joined.nb) for _ in range(3))
    mixed = _convolve(build, inputs, layer, op.like("mul", b, x), "shortconv.conv")
    result = project(build, op.like("mul", c, mixed), layer, "shortconv.out_proj")
    return op.reshape(result, width, build.tokens)


def _delta_net(build: Build, inputs: Inputs, layer: int, current: Tensor) -> Tensor:
    rec, tokens, sequences = build.model.hyper.recurrent, build.tokens, build.sequences
    each = tokens // sequences
    keys, values = rec.state * rec.groups, rec.inner
    mixed = project(build, current, layer, "attn_qkv")
    mixed = op.reshape(mixed, mixed.ne[0], each, sequences)
    gate = project(build, current, layer, "attn_gate")
    name = "ssm_ba" if build.has(layer, "ssm_ba.weight") else "ssm_alpha"
    steps = _biased(build, project(build, current, layer, name), layer, "ssm_dt.bias")
    steps = op.like("unary", steps)
    mixed = op.like("unary", _convolve(build, inputs, layer, mixed, "ssm_conv1d"))
    heads = values // rec.state if rec.state else 1
    parts = [
        op.view(mixed, (rec.state, width // rec.state, each, sequences), mixed.nb) for width in (keys, keys, values)
    ]
    parts[:2] = [op.like("scale", op.like("rms_norm", part)) for part in parts[:2]]
    scanned = _scan(build, inputs, layer, (*parts, steps), values)
    result = op.view(scanned, (rec.state, heads, each, sequences))
    if build.has(layer, "ssm_norm.weight"):
        result = norm(build, result, layer, "ssm_norm")
    gate = op.reshape(gate, rec.state, heads, each, sequences)
    result = op.like("mul", result, op.like("unary", gate))
    return project(build, op.reshape(result, values, tokens), layer, "ssm_out")
