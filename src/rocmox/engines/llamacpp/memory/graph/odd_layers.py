"""Layers that are no sequence of attention and network: parts side by side, routers that look ahead."""

from __future__ import annotations

from collections.abc import Callable

from rocmox.engines.llamacpp.memory.graph import operations as op
from rocmox.engines.llamacpp.memory.graph.attention import Attention
from rocmox.engines.llamacpp.memory.graph.modern_experts import build_experts
from rocmox.engines.llamacpp.memory.graph.network import Network
from rocmox.engines.llamacpp.memory.graph.pieces import chosen_rows, norm
from rocmox.engines.llamacpp.memory.graph.state_layers import build_state_layer
from rocmox.engines.llamacpp.memory.graph.states import weight_of
from rocmox.engines.llamacpp.memory.graph.tensor import Tensor

OddLayer = Callable[[Attention, Network, int, Tensor, "Tensor | None"], Tensor]


def _beside(attention: Attention, network: Network, layer: int, residual: Tensor, rows: Tensor | None) -> Tensor:
    """Attention and a state from one norm each, summed (falcon-h1)."""
    build = attention.build
    attended = attention.run(layer, norm(build, residual, layer, "attn_norm"))
    mixed = build_state_layer(build, attention.inputs, layer, norm(build, residual, layer, "attn_norm"))
    residual = chosen_rows(op.like("add", op.like("add", attended, mixed), residual), rows)
    return op.like("add", network.run(layer, norm(build, residual, layer, "ffn_norm")), residual)


def _experts_beside(
    attention: Attention, network: Network, layer: int, residual: Tensor, rows: Tensor | None
) -> Tensor:
    """Attention and a dense network one after the other, experts from the layer's input (arctic)."""
    build, style = attention.build, attention.style
    attended = chosen_rows(attention.run(layer, norm(build, residual, layer, "attn_norm")), rows)
    residual = chosen_rows(residual, rows)
    current = op.like("add", attended, residual)
    dense = style.feed_forward(build, norm(build, current, layer, "ffn_norm"), layer, activation="silu")
    dense = op.like("add", dense, current)
    normed = norm(build, residual, layer, "ffn_norm_exps")
    return op.like("add", style.experts(build, normed, layer, network.routing()), dense)


def _routed_first(attention: Attention, network: Network, layer: int, residual: Tensor, rows: Tensor | None) -> Tensor:
    """Experts chosen by the layer's input, before attention (smallthinker)."""
    build = attention.build
    logits = op.mul_mat(weight_of(build, layer, "ffn_gate_inp.weight"), residual)
    attended = chosen_rows(attention.run(layer, norm(build, residual, layer, "attn_norm")), rows)
    current = op.like("add", attended, chosen_rows(residual, rows))
    normed = norm(build, current, layer, "ffn_norm")
    hidden = build_experts(build, normed, layer, network.routing(), logits=chosen_rows(logits, rows))
    return op.like("add", hidden, current)


ODD_LAYERS: dict[str, OddLayer] = {
    "beside": _beside,
    "experts_beside": _experts_beside,
    "routed_first": _routed_first,
}
