"""A dense network and experts side by side in one layer (gemma4 with experts, src/models/gemma4.cpp)."""

from __future__ import annotations

from rocmox.engines.llamacpp.memory.graph import operations as op
from rocmox.engines.llamacpp.memory.graph.build import Build
from rocmox.engines.llamacpp.memory.graph.modern_experts import build_experts
from rocmox.engines.llamacpp.memory.graph.pieces import norm
from rocmox.engines.llamacpp.memory.graph.style import Experts, Style
from rocmox.engines.llamacpp.memory.graph.tensor import Tensor
from rocmox.engines.llamacpp.memory.model import IncompleteModelError


def build_network_beside_experts(build: Build, style: Style, layer: int, normed: Tensor, residual: Tensor) -> Tensor:
    """Each with norms of its own; the router looks at the residual, normalised and scaled."""
    scale, router = build.of_layer(layer, "ffn_gate_inp.scale"), build.of_layer(layer, "ffn_gate_inp.weight")
    if scale is None or router is None:
        raise IncompleteModelError(f"blk.{layer}.ffn_gate_inp")
    dense = norm(build, style.feed_forward(build, normed, layer, activation="gelu"), layer, "post_ffw_norm_1")
    current = norm(build, residual, layer, "pre_ffw_norm_2")
    routed = op.like("mul", op.like("scale", op.like("rms_norm", residual)), scale)
    logits = op.mul_mat(router, routed)
    experts = build_experts(build, current, layer, Experts(activation="gelu"), logits=logits)
    return op.like("add", dense, norm(build, experts, layer, "post_ffw_norm_2"))
