"""The feed-forward part of one layer by the architecture's profile: dense, experts, shared experts."""

from __future__ import annotations

import dataclasses

from rocmox.engines.llamacpp.memory.graph import operations as op
from rocmox.engines.llamacpp.memory.graph.build import Build
from rocmox.engines.llamacpp.memory.graph.profiles import Profile
from rocmox.engines.llamacpp.memory.graph.style import Experts, Style
from rocmox.engines.llamacpp.memory.graph.tensor import Tensor

_GATINGS = {0: "softmax", 1: "softmax", 2: "sigmoid", 3: "softmax_weight", 4: "sigmoid"}


@dataclasses.dataclass(kw_only=True)
class Network:
    """Builds that part into a graph."""

    build: Build
    style: Style
    profile: Profile

    def run(self, layer: int, current: Tensor) -> Tensor:
        """The dense network or the experts of a layer, shared experts included."""
        build, style, activation = self.build, self.style, self.profile.activation
        if not build.has(layer, "ffn_gate_inp.weight"):
            return style.feed_forward(build, current, layer, activation=activation)
        if self.profile.dense_beside_experts and build.has(layer, "ffn_up.weight"):
            routed = style.experts(build, current, layer, self.routing())
            dense = style.feed_forward(build, current, layer, activation=activation)
            return op.like("scale", op.like("add", dense, routed))
        if not build.has(layer, "ffn_up_shexp.weight"):
            return style.experts(build, current, layer, self.routing())
        if self.profile.shared_first:
            shared = self._shared(layer, current)
            return op.like("add", style.experts(build, current, layer, self.routing()), shared)
        routed = style.experts(build, current, layer, self.routing())
        return op.like("add", routed, self._shared(layer, current))

    def _shared(self, layer: int, current: Tensor) -> Tensor:
        build = self.build
        gate = build.of_layer(layer, "ffn_gate_inp_shexp.weight")
        shared = self.style.feed_forward(build, current, layer, activation=self.profile.activation, prefix="ffn:_shexp")
        if gate is None:
            return shared
        weight = op.mul_mat(gate, current)
        return op.like("mul", shared, op.like("div", op.like("unary", weight), weight))

    def routing(self) -> Experts:
        """As the profile says, or as the file does (`expert_weights_norm`, `_scale`, `expert_gating_func`)."""
        hyper = self.build.model.hyper
        if not self.profile.experts_from_file:
            told = self.profile.experts
            gating = _GATINGS.get(hyper.gating, "softmax") if told.gating == "file" else told.gating
            return dataclasses.replace(told, scales=hyper.scales_experts, gating=gating)
        return Experts(
            normalizes=hyper.normalizes_experts,
            scales=hyper.scales_experts or self.build.settings.build.is_early,
            gating=_GATINGS.get(hyper.gating, "softmax"),
        )
