"""Layers that keep a state instead of a cache: Mamba 1 and 2, short convolutions, gated delta nets."""

from __future__ import annotations

from rocmox.engines.llamacpp.memory.graph import operations as op
from rocmox.engines.llamacpp.memory.graph.build import Build
from rocmox.engines.llamacpp.memory.graph.delta_net import build_delta_net
from rocmox.engines.llamacpp.memory.graph.early_mamba import build_early_mamba
from rocmox.engines.llamacpp.memory.graph.mamba import build_mamba, build_mamba2
from rocmox.engines.llamacpp.memory.graph.pieces import project
from rocmox.engines.llamacpp.memory.graph.plamo_mamba import build_plamo_mamba
from rocmox.engines.llamacpp.memory.graph.states import convolved, joined_window, weight_of
from rocmox.engines.llamacpp.memory.graph.style import Inputs
from rocmox.engines.llamacpp.memory.graph.tensor import Tensor


def build_state_layer(build: Build, inputs: Inputs, layer: int, current: Tensor) -> Tensor:
    """The layer's part between its norm and the residual."""
    if build.has(layer, "shortconv.in_proj.weight"):
        return _short_convolution(build, inputs, layer, current)
    if build.settings.build.is_early:
        return build_early_mamba(build, inputs, layer, current)
    if build.model.hyper.architecture == "plamo2":
        return build_plamo_mamba(build, inputs, layer, current)
    if build.has(layer, "ssm_x.weight"):
        return build_mamba(build, inputs, layer, current)
    if build.has(layer, "ssm_out.weight") and build.has(layer, "attn_gate.weight"):
        return build_delta_net(build, inputs, layer, current)
    return build_mamba2(build, inputs, layer, current)


def _short_convolution(build: Build, inputs: Inputs, layer: int, current: Tensor) -> Tensor:
    """`build_shortconv_block` of src/models/lfm2.cpp."""
    width, sequences = build.model.hyper.embedding, build.sequences
    each = build.tokens // sequences
    kernel = weight_of(build, layer, "shortconv.conv.weight")
    joined = project(build, op.reshape(current, width, each, sequences), layer, "shortconv.in_proj")
    b, c, x = (op.view(joined, op.four(width, each, sequences), joined.nb) for _ in range(3))
    window = joined_window(build, inputs, layer, op.like("mul", b, x), kernel.ne[0] - 1)
    result = project(build, op.like("mul", c, convolved(window, kernel, each)), layer, "shortconv.out_proj")
    return op.reshape(result, width, build.tokens)
