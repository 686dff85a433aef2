"""Mixtures of experts in graphs of 2026 (`build_moe_ffn` of src/llama-graph.cpp)."""

from __future__ import annotations

from rocmox.engines.llamacpp.memory.graph import operations as op
from rocmox.engines.llamacpp.memory.graph.build import Build
from rocmox.engines.llamacpp.memory.graph.style import Experts
from rocmox.engines.llamacpp.memory.graph.tensor import Tensor
from rocmox.engines.llamacpp.memory.model import IncompleteModelError


def build_experts(build: Build, current: Tensor, layer: int, how: Experts, *, logits: Tensor | None = None) -> Tensor:
    """Router (unless `logits` come from elsewhere), choice, the chosen experts' networks, and their weighted sum."""
    hyper, tokens = build.model.hyper, current.ne[1]
    used = hyper.experts_used[layer]
    if not used:
        raise IncompleteModelError("expert_used_count")
    width = current.ne[0]
    logits, probabilities = _probabilities(logits, how) if logits is not None else _route(build, current, layer, how)
    chosen = _choose(build, logits, probabilities, layer, how)
    weights = _weigh(probabilities, chosen, how)
    build.graph.expand(weights)
    current = op.reshape(current, width, 1, tokens)
    if how.weighs_input:
        repeated = Tensor("repeat", current.kind, op.four(width, used, tokens), (current,))
        current = op.like("mul", repeated, weights)
    hidden = _hidden(build, current, chosen, layer, how)
    experts = _times(build, hidden, chosen, layer, "ffn_down_exps")
    if not how.weighs_input:
        experts = op.like("mul", experts, weights)
    build.graph.expand(experts)
    return _sum(build, experts, width, used, tokens)


def _route(build: Build, current: Tensor, layer: int, how: Experts) -> tuple[Tensor, Tensor]:
    router = build.of_layer(layer, "ffn_gate_inp.weight")
    if router is None:
        raise IncompleteModelError(f"blk.{layer}.ffn_gate_inp.weight")
    logits = op.mul_mat(router, current)
    bias = build.of_layer(layer, "ffn_gate_inp.bias")
    if bias is not None:
        logits = op.like("add", logits, bias)
    return _probabilities(logits, how)


def _probabilities(logits: Tensor, how: Experts) -> tuple[Tensor, Tensor]:
    if how.gating == "softmax":
        return logits, op.like("soft_max", logits)
    if how.gating == "softmax_weight":
        return logits, logits
    return logits, op.like("unary", logits)


def _choose(build: Build, logits: Tensor, probabilities: Tensor, layer: int, how: Experts) -> Tensor:
    bias = build.of_layer(layer, "exp_probs_b.bias")
    selection = probabilities if bias is None else op.like("add", probabilities, bias)
    if how.weighs_input:
        selection = logits
    if build.model.hyper.expert_groups > 1:
        selection = _mask_groups(build, selection)
    return op.top_k(selection, build.model.hyper.experts_used[layer])


def _mask_groups(build: Build, selection: Tensor) -> Tensor:
    """Only experts of the best groups stay (DeepSeek V3)."""
    experts, tokens = selection.ne[0], selection.ne[1]
    groups = build.model.hyper.expert_groups
    used = max(1, min(build.model.hyper.expert_groups_used, groups))
    grouped = op.reshape(selection, experts // groups, groups, tokens)
    best = op.top_k(grouped, 2)
    scores = op.get_rows(op.reshape(grouped, 1, *grouped.ne[:3]), best)
    summed = op.sum_rows(op.reshape(scores, scores.ne[1], scores.ne[2], scores.ne[3]))
    summed = op.reshape(summed, summed.ne[1], summed.ne[2])
    chosen = op.top_k(summed, used)
    kept = op.get_rows(grouped, chosen)
    masked = op.set_rows(op.like("fill", grouped), kept, chosen)
    return op.reshape(masked, experts, tokens)


def _weigh(probabilities: Tensor, chosen: Tensor, how: Experts) -> Tensor:
    used, tokens = chosen.ne[0], chosen.ne[1]
    weights = op.get_rows(op.reshape(probabilities, 1, probabilities.ne[0], tokens), chosen)
    if how.gating == "softmax_weight":
        weights = op.like("soft_max", op.reshape(weights, used, tokens))
        weights = op.reshape(weights, 1, used, tokens)
    if how.normalizes:
        weights = op.reshape(weights, used, tokens)
        weights = op.like("div", weights, op.like("clamp", op.sum_rows(weights)))
        weights = op.reshape(weights, 1, used, tokens)
    return op.like("scale", weights) if how.scales else weights


def _times(build: Build, current: Tensor, chosen: Tensor, layer: int, name: str) -> Tensor:
    """`build_lora_mm_id` and the experts' biases."""
    matrices = build.of_layer(layer, f"{name}.weight")
    if matrices is None:
        raise IncompleteModelError(f"blk.{layer}.{name}.weight")
    result = op.mul_mat_id(matrices, current, chosen)
    scale = build.of_layer(layer, f"{name}.scale")
    if scale is not None:
        column = op.reshape(scale, 1, scale.ne[0], 1)
        repeated = Tensor("repeat", column.kind, op.four(1, scale.ne[0], chosen.ne[1]), (column,))
        result = op.like("mul", result, op.get_rows(repeated, chosen))
    bias = build.of_layer(layer, f"{name}.bias")
    return result if bias is None else op.like("add_id", result, bias, chosen)


def _hidden(build: Build, current: Tensor, chosen: Tensor, layer: int, how: Experts) -> Tensor:
    if build.has(layer, "ffn_gate_up_exps.weight"):
        both = _times(build, current, chosen, layer, "ffn_gate_up_exps")
        half = (both.ne[0] // 2, both.ne[1], both.ne[2], 1)
        return op.gated(how.activation, op.view(both, half, both.nb), op.view(both, half, both.nb))
    up = _times(build, current, chosen, layer, "ffn_up_exps")
    if build.has(layer, "ffn_gate_exps.weight"):
        return op.gated(how.activation, _times(build, current, chosen, layer, "ffn_gate_exps"), up)
    hidden = op.like("unary", up)
    return op.like("sqr", hidden) if how.activation == "relu_sqr" else hidden


def _sum(build: Build, experts: Tensor, width: int, used: int, tokens: int) -> Tensor:
    nb = (experts.nb[0], experts.nb[2], experts.nb[2] * tokens, experts.nb[2] * tokens)
    parts = [build.graph.expand(op.view(experts, op.four(width, tokens), nb)) for _ in range(used)]
    total = parts[0]
    for part in parts[1:]:
        total = build.graph.expand(op.like("add", total, part))
    return op.cont(total) if used == 1 else total
