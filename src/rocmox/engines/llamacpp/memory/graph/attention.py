"""Attention of one layer by the architecture's profile: heads, their norms and rotation, cache, output projection."""

from __future__ import annotations

import dataclasses

from rocmox.engines.llamacpp.memory.graph import operations as op
from rocmox.engines.llamacpp.memory.graph.build import Build
from rocmox.engines.llamacpp.memory.graph.modern_attention import attend_stored
from rocmox.engines.llamacpp.memory.graph.pieces import head_norm, norm, project, rope, rope_factors
from rocmox.engines.llamacpp.memory.graph.profiles import Profile
from rocmox.engines.llamacpp.memory.graph.style import Inputs, Style
from rocmox.engines.llamacpp.memory.graph.tensor import Tensor

_ROPE_STEP = 4
_LAYERS_WITHOUT_ROTATION = 40  # baichuan 13B has ALiBi instead


@dataclasses.dataclass(kw_only=True)
class Attention:
    """`temperature` scales Q in layers without rotation (llama4)."""

    build: Build
    style: Style
    profile: Profile
    inputs: Inputs
    temperature: Tensor | None = None

    def run(self, layer: int, current: Tensor) -> Tensor:
        """Heads, their norms and rotation, attention, and the output projection."""
        build = self.build
        if not build.model.hyper.kv_heads[layer] and not build.has(layer, "attn_kv_a_mqa.weight"):
            return project(build, current, layer, "attn_output")  # a linear layer instead (deci)
        if build.has(layer, "attn_kv_a_mqa.weight"):
            from rocmox.engines.llamacpp.memory.graph.latent_attention import attend_latent  # noqa: PLC0415 - few models have such layers

            return project(build, attend_latent(build, self.style, self.inputs, layer, current), layer, "attn_output")
        if layer >= build.model.hyper.kv_from_start:
            return project(build, self._attend_stored(layer, current), layer, "attn_output")
        query, key, value = self.style.split_heads(build, current, layer)
        query, gate = self._query_and_gate(layer, query)
        query, key = self._turned(layer, query, key)
        if self.profile.norms_value:
            value = op.like("rms_norm", value)
        if self.profile.scales_query:
            query = op.like("scale", query)
        sinks = build.of_layer(layer, "attn_sinks.weight")
        attended = self.style.attend(build, self.inputs, layer, (query, key, value), sinks=sinks)
        if gate is not None:
            width = gate.ne[0] * gate.ne[1]
            attended = op.like("mul", attended, op.like("unary", op.cont(gate, width, build.tokens)))
        if build.has(layer, "attn_gate.weight"):
            attended = op.like("mul", attended, op.like("unary", project(build, current, layer, "attn_gate")))
        if build.has(layer, "attn_sub_norm.weight"):
            attended = norm(build, attended, layer, "attn_sub_norm")
        return project(build, attended, layer, "attn_output")

    def _attend_stored(self, layer: int, current: Tensor) -> Tensor:
        """A layer without K and V of its own reads an earlier layer's cache (gemma3n, gemma4)."""
        build, hyper = self.build, self.build.model.hyper
        query = project(build, current, layer, "attn_q")
        query = op.reshape(query, hyper.head_k_of(layer), hyper.heads[layer], build.tokens)
        query = head_norm(build, query, layer, "attn_q_norm", kind=self.profile.norm)
        query = rope(query, self.inputs.positions, self._factors(layer))
        return attend_stored(build, self.inputs, layer, query)

    def _factors(self, layer: int) -> Tensor | None:
        plain = self.build.model.hyper.sliding[layer] and not self.profile.rope_factors_in_windows
        return None if plain else rope_factors(self.build, layer)

    def _query_and_gate(self, layer: int, query: Tensor) -> tuple[Tensor, Tensor | None]:
        """Some models' heads of Q come with a gate each (qwen3next)."""
        if query.ne[0] != 2 * self.build.model.hyper.head_k_of(layer):
            return query, None
        half = (query.ne[0] // 2, *query.ne[1:])
        return op.view(query, half, query.nb), op.view(query, half, query.nb)

    def _turned(self, layer: int, query: Tensor, key: Tensor) -> tuple[Tensor, Tensor]:
        """Norms of heads, rotation, temperature."""
        if not self.profile.norms_after_rope:
            query, key = self._head_norms(layer, query, key)
        rotates = self._rotates(layer)
        if rotates:
            factors = self._factors(layer)
            query, key = (rope(part, self.inputs.positions, factors) for part in (query, key))
        elif self.temperature is not None:
            query = op.like("mul", query, self.temperature)
        if self.profile.norms_after_rope:
            query, key = self._head_norms(layer, query, key)
        if self.profile.norms_unweighted_heads and rotates:
            query, key = (op.like("rms_norm", part) for part in (query, key))
        return query, key

    def _head_norms(self, layer: int, query: Tensor, key: Tensor) -> tuple[Tensor, Tensor]:
        kind = self.profile.norm
        normed = head_norm(self.build, query, layer, "attn_q_norm", kind=kind)
        normed_key = head_norm(self.build, key, layer, "attn_k_norm", kind=kind)
        if self.profile.heads_again and self.build.settings.build.is_early:
            return op.reshape(normed, *query.ne[:3]), op.reshape(normed_key, *key.ne[:3])
        return normed, normed_key

    def _rotates(self, layer: int) -> bool:
        hyper = self.build.model.hyper
        if self.profile.rotates == "sliding":
            return hyper.sliding[layer] or not hyper.has_window
        if self.profile.rotates == "small":
            return hyper.layers < _LAYERS_WITHOUT_ROTATION
        if self.profile.rotates == "three_of_four":
            return (layer + 1) % _ROPE_STEP != 0
        return self.profile.rotates == "all"
