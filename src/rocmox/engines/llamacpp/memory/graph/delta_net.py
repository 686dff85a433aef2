"""Gated delta nets (`build_layer_attn_linear` of qwen3next.cpp and qwen35.cpp, delta-net-base.cpp; 2026-10)."""

from __future__ import annotations

from rocmox.engines.llamacpp.memory.graph import operations as op
from rocmox.engines.llamacpp.memory.graph.build import Build
from rocmox.engines.llamacpp.memory.graph.pieces import norm, project
from rocmox.engines.llamacpp.memory.graph.states import convolved, joined_window, read_states, store_states, weight_of
from rocmox.engines.llamacpp.memory.graph.style import Inputs
from rocmox.engines.llamacpp.memory.graph.tensor import Tensor
from rocmox.engines.llamacpp.memory.recurrent import scan_state_width
from rocmox.facts.ggml_types import F32


def build_delta_net(build: Build, inputs: Inputs, layer: int, current: Tensor) -> Tensor:
    """One layer of linear attention by the fused operation."""
    rec, tokens, sequences = build.model.hyper.recurrent, build.tokens, build.sequences
    each, heads, inner = tokens // sequences, rec.step_rank, rec.inner
    width = inner // heads
    mixed = project(build, current, layer, "attn_qkv")
    mixed = op.reshape(mixed, mixed.ne[0], each, sequences)
    gate = project(build, current, layer, "attn_gate")
    beta, decay = _beta_and_decay(build, layer, current, each)
    kernel = weight_of(build, layer, "ssm_conv1d.weight")
    window = joined_window(build, inputs, layer, mixed, kernel.ne[0] - 1)
    state = op.reshape(read_states(build, inputs, layer, "s", None), width, width, heads, sequences)
    mixed = op.like("unary", convolved(window, kernel, each))
    query, key = (_normed(_heads(mixed, rec.state, rec.groups, each, sequences)) for _ in range(2))
    value = _heads(mixed, width, heads, each, sequences)
    rows = tokens + width * sequences
    scanned = Tensor("gated_delta_net", F32, op.four(inner, rows), (query, key, value, decay, beta, state))
    store_states(build, layer, "s", op.view(scanned, op.four(scan_state_width(build.model.hyper), sequences)))
    result = norm(build, op.view(scanned, (width, heads, each, sequences)), layer, "ssm_norm")
    result = op.like("mul", result, op.like("unary", op.reshape(gate, width, heads, each, sequences)))
    result = project(build, op.reshape(result, inner, each, sequences), layer, "ssm_out")
    return op.reshape(result, result.ne[0], tokens)


def _beta_and_decay(build: Build, layer: int, current: Tensor, each: int) -> tuple[Tensor, Tensor]:
    """How much each head writes and how fast it forgets, [1, heads, tokens, sequences] each."""
    rec, sequences = build.model.hyper.recurrent, build.sequences
    heads = rec.step_rank
    if build.has(layer, "ssm_ba.weight"):
        both = project(build, current, layer, "ssm_ba")
        both = op.reshape(both, 2 * heads // rec.groups, rec.groups, each, sequences)
        b, a = (op.view(both, (heads // rec.groups, rec.groups, each, sequences), both.nb) for _ in range(2))
        beta = op.reshape(op.like("unary", op.cont(b)), 1, heads, each, sequences)
        alpha = op.cont(a, heads, each, sequences)
    else:
        beta = op.reshape(project(build, current, layer, "ssm_beta"), 1, heads, each, sequences)
        beta = op.like("unary", beta)
        alpha = op.reshape(project(build, current, layer, "ssm_alpha"), heads, each, sequences)
    steps = op.like("unary", op.like("add", alpha, weight_of(build, layer, "ssm_dt.bias")))
    decay = op.like("mul", steps, weight_of(build, layer, "ssm_a"))
    return beta, op.reshape(decay, 1, heads, each, sequences)


def _heads(mixed: Tensor, width: int, count: int, each: int, sequences: int) -> Tensor:
    nb = (mixed.nb[0], width * mixed.nb[0], mixed.nb[1], mixed.nb[1] * each)
    return op.view(mixed, (width, count, each, sequences), nb)


def _normed(part: Tensor) -> Tensor:
    """`build_gdn_l2_norm`."""
    return op.like("scale", op.like("rms_norm", part))
