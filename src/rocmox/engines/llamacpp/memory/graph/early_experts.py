"""Mixtures of experts in graphs of January 2025 (`llm_build_moe_ffn` of src/llama.cpp at b4447)."""

from __future__ import annotations

from rocmox.engines.llamacpp.memory.graph import operations as op
from rocmox.engines.llamacpp.memory.graph.build import Build
from rocmox.engines.llamacpp.memory.graph.style import Experts
from rocmox.engines.llamacpp.memory.graph.tensor import Tensor
from rocmox.engines.llamacpp.memory.model import IncompleteModelError


def build_experts(build: Build, current: Tensor, layer: int, how: Experts) -> Tensor:
    """Router, choice, the chosen experts' networks, and their weighted sum."""
    hyper = build.model.hyper
    width, tokens, used = current.ne[0], current.ne[1], hyper.experts_used[layer]
    if not used:
        raise IncompleteModelError("expert_used_count")
    logits = op.mul_mat(_weight(build, layer, "ffn_gate_inp.weight"), current)
    probabilities = op.like("soft_max" if how.gating == "softmax" else "unary", logits)
    bias = build.of_layer(layer, "exp_probs_b.bias")
    chosen = op.top_k(probabilities if bias is None else op.like("add", probabilities, bias), used)
    weights = op.get_rows(op.reshape(probabilities, 1, probabilities.ne[0], tokens), chosen)
    if how.normalizes:
        weights = op.reshape(weights, used, tokens)
        weights = op.reshape(op.like("div", weights, op.sum_rows(weights)), 1, used, tokens)
    if how.scales:
        weights = op.like("scale", weights)
    current = op.reshape(current, width, 1, tokens)
    up = op.mul_mat_id(_weight(build, layer, "ffn_up_exps.weight"), current, chosen)
    gate = op.mul_mat_id(_weight(build, layer, "ffn_gate_exps.weight"), current, chosen)
    hidden = op.like("mul", up, op.like("unary", gate))
    experts = op.like("mul", op.mul_mat_id(_weight(build, layer, "ffn_down_exps.weight"), hidden, chosen), weights)
    nb = (experts.nb[0], experts.nb[2], experts.nb[2] * tokens, experts.nb[2] * tokens)
    parts = [op.view(experts, op.four(width, tokens), nb) for _ in range(used)]
    total = parts[0]
    for part in parts[1:]:
        total = op.like("add", total, part)
    return op.cont(total) if used == 1 else total


def _weight(build: Build, layer: int, name: str) -> Tensor:
    weight = build.of_layer(layer, name)
    if weight is None:
        raise IncompleteModelError(f"blk.{layer}.{name}")
    return weight
