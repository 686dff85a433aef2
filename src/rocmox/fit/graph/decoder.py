"""A decoder's graph, layer by layer, by its profile."""

from __future__ import annotations

import dataclasses

from rocmox.facts.ggml_types import F32
from rocmox.fit.graph import operations as op
from rocmox.fit.graph.build import Build
from rocmox.fit.graph.experts_beside import build_network_beside_experts
from rocmox.fit.graph.latent_attention import attend_latent
from rocmox.fit.graph.pieces import chosen_rows, head_norm, norm, project, rope, rope_factors, scaled_norm
from rocmox.fit.graph.profiles import Profile
from rocmox.fit.graph.recurrent import build_state_layer, keeps_state
from rocmox.fit.graph.style import Experts, Inputs, Style
from rocmox.fit.graph.tensor import Tensor

_GATINGS = {0: "softmax", 1: "softmax", 2: "sigmoid", 3: "softmax_weight", 4: "sigmoid"}
_ROPE_STEP = 4


@dataclasses.dataclass(kw_only=True)
class Decoder:
    """Builds one graph; `inputs` are made when it starts."""

    build: Build
    style: Style
    profile: Profile
    inputs: Inputs
    temperature: Tensor | None = None

    def run(self) -> None:
        """Embeddings, layers, last norm, logits."""
        current = self._embed()
        last = self.build.model.hyper.layers - 1
        rows_last = bool(self.profile.rows_last) and self.build.settings.build.chooses_rows_last
        for layer in range(last + 1):
            rows = self.style.output_rows(self.build, self.inputs) if layer == last and not rows_last else None
            current = self._layer(layer, current, rows)
        self._finish(current, self.style.output_rows(self.build, self.inputs) if rows_last else None)

    def _embed(self) -> Tensor:
        build, current = self.build, self.inputs.embeddings
        if self.profile.scales_input:
            current = op.like("scale", current)
        positions = build.weight("position_embd.weight", build.cpu)
        if positions is not None:
            current = op.like("add", current, op.get_rows(positions, self.inputs.positions))
        first = build.weight("token_embd_norm.weight", build.cpu)
        if first is not None:
            bias = build.weight("token_embd_norm.bias", build.cpu)
            current = scaled_norm(build, current, first, bias, kind=self.profile.norm, place=None)
        if self.profile.tempers_attention:
            self.temperature = op.new_input("inp_attn_scale", 1, 1, build.tokens, kind=F32)
        return current

    def _layer(self, layer: int, residual: Tensor, rows: Tensor | None) -> Tensor:
        if self.profile.layout.startswith("parallel"):
            return self._parallel(layer, residual, rows)
        build, behind = self.build, self.profile.layout == "behind"
        current = residual if behind else self._norm(residual, layer, "attn_norm")
        current = self._mix(layer, current)
        post = "" if self._ffn_norm(layer) == "post_attention_norm" else "post_attention_norm"
        if not post or build.settings.build.is_early is False:
            current, residual = chosen_rows(current, rows), chosen_rows(residual, rows)
        if post and build.has(layer, f"{post}.weight"):
            current = self._norm(current, layer, post)
        if post and build.settings.build.is_early:
            current, residual = chosen_rows(current, rows), chosen_rows(residual, rows)
        if build.model.hyper.scales_residual:
            current = op.like("scale", current)
        residual = op.like("add", current, residual)
        if not self._has_network(layer) or not self._mixes(layer):
            return residual
        current = residual if behind else self._norm(residual, layer, self._ffn_norm(layer))
        if build.has(layer, "pre_ffw_norm_2.weight"):
            current = build_network_beside_experts(build, self.style, layer, current, residual)
        else:
            current = self.network(layer, current)
        if build.has(layer, "post_ffw_norm.weight"):
            pinned = self.profile.post_norm_pinned
            current = norm(build, current, layer, "post_ffw_norm", kind=self.profile.norm, pinned=pinned)
        if build.model.hyper.scales_residual:
            current = op.like("scale", current)
        current = op.like("add", *((residual, current) if self.profile.adds_to_residual else (current, residual)))
        scale = build.of_layer(layer, "layer_output_scale.weight")
        return current if scale is None else op.like("mul", current, scale)

    def _parallel(self, layer: int, residual: Tensor, rows: Tensor | None) -> Tensor:
        build = self.build
        normed = self._norm(residual, layer, "attn_norm")
        second = build.has(layer, "attn_norm_2.weight")
        current = self.attention(layer, self._norm(residual, layer, "attn_norm_2") if second else normed)
        own_norm = self.profile.layout == "parallel_own_norm"
        parts = (current, residual) if own_norm else (current, residual, normed)
        attended, residual, *rest = (chosen_rows(part, rows) for part in parts)
        hidden = self.network(layer, self._norm(residual, layer, "ffn_norm") if own_norm else rest[0])
        if self.profile.residual_before_attention:
            return op.like("add", op.like("add", hidden, residual), attended)
        return op.like("add", op.like("add", hidden, attended), residual)

    def _mixes(self, layer: int) -> bool:
        """Whether a layer looks at other tokens; some hybrids have layers that are networks only."""
        return keeps_state(self.build, layer) or self.build.has(layer, "attn_output.weight")

    def _has_network(self, layer: int) -> bool:
        return any(self.build.has(layer, f"{name}.weight") for name in ("ffn_up", "ffn_gate_inp", "ffn_gate_up"))

    def _mix(self, layer: int, current: Tensor) -> Tensor:
        """Attention, a state, both, or neither."""
        if not self._mixes(layer):
            return self.network(layer, current)
        if not keeps_state(self.build, layer):
            return self.attention(layer, current)
        mixed = build_state_layer(self.build, self.inputs, layer, current)
        if self.build.has(layer, "attn_q.weight") and self.build.has(layer, "attn_output.weight"):
            return op.like("add", self.attention(layer, current), mixed)
        return mixed

    def _norm(self, current: Tensor, layer: int, name: str) -> Tensor:
        return norm(self.build, current, layer, name, kind=self.profile.norm)

    def _ffn_norm(self, layer: int) -> str:
        """Models without `ffn_norm` keep that norm under another name."""
        for name in ("ffn_norm", "attn_output_norm", "post_attention_norm"):
            if self.build.has(layer, f"{name}.weight"):
                return name
        return "ffn_norm"

    def attention(self, layer: int, current: Tensor) -> Tensor:
        """Heads, their norms and rotation, attention, and the output projection."""
        build = self.build
        if build.has(layer, "attn_kv_a_mqa.weight"):
            return project(build, attend_latent(build, self.style, self.inputs, layer, current), layer, "attn_output")
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
        return project(build, attended, layer, "attn_output")

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
            plain = self.build.model.hyper.sliding[layer] and not self.profile.rope_factors_in_windows
            factors = None if plain else rope_factors(self.build, layer)
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
        return normed, head_norm(self.build, key, layer, "attn_k_norm", kind=kind)

    def _rotates(self, layer: int) -> bool:
        hyper = self.build.model.hyper
        if self.profile.rotates == "sliding":
            return hyper.sliding[layer] or not hyper.has_window
        if self.profile.rotates == "three_of_four":
            return (layer + 1) % _ROPE_STEP != 0
        return self.profile.rotates == "all"

    def network(self, layer: int, current: Tensor) -> Tensor:
        """The dense network or the experts of a layer, shared experts included."""
        build, style, activation = self.build, self.style, self.profile.activation
        if not build.has(layer, "ffn_gate_inp.weight"):
            return style.feed_forward(build, current, layer, activation=activation)
        if not build.has(layer, "ffn_up_shexp.weight"):
            return style.experts(build, current, layer, self._experts())
        if self.profile.shared_first:
            shared = self._shared(layer, current)
            return op.like("add", style.experts(build, current, layer, self._experts()), shared)
        routed = style.experts(build, current, layer, self._experts())
        return op.like("add", routed, self._shared(layer, current))

    def _shared(self, layer: int, current: Tensor) -> Tensor:
        build = self.build
        gate = build.of_layer(layer, "ffn_gate_inp_shexp.weight")
        shared = self.style.feed_forward(build, current, layer, activation=self.profile.activation, prefix="ffn:_shexp")
        if gate is None:
            return shared
        weight = op.mul_mat(gate, current)
        return op.like("mul", shared, op.like("div", op.like("unary", weight), weight))

    def _experts(self) -> Experts:
        """As the profile says, or as the file does (`expert_weights_norm`, `_scale`, `expert_gating_func`)."""
        hyper = self.build.model.hyper
        if not self.profile.experts_from_file:
            return dataclasses.replace(self.profile.experts, scales=hyper.scales_experts)
        return Experts(
            normalizes=hyper.normalizes_experts,
            scales=hyper.scales_experts or self.build.settings.build.is_early,
            gating=_GATINGS.get(hyper.gating, "softmax"),
        )

    def _finish(self, current: Tensor, rows: Tensor | None) -> None:
        """The last norm and the logits (`result_norm`, `result_output`); both are outputs since 2025."""
        build, hyper = self.build, self.build.model.hyper
        place = build.places[-1]
        if rows is not None and self.profile.rows_last == "before_norm":
            current.is_output = build.marks_outputs
            current = op.get_rows(current, rows)
        weight, bias = (build.weight(f"output_norm.{part}", place) for part in ("weight", "bias"))
        current = scaled_norm(build, current, weight, bias, kind=self.profile.norm, place=None)
        current.is_output = build.marks_outputs
        if rows is not None and self.profile.rows_last == "after_norm":
            current = op.get_rows(current, rows)
            current.is_output = build.marks_outputs
        current = op.mul_mat(build.weight("output.weight", place) or build.tied_output(place), current)
        bias = build.weight("output.bias", place)
        if bias is not None:
            current = op.like("add", current, bias)
        if hyper.scales_logits:
            current = op.like("scale", current)
        if hyper.softcaps_logits:
            current = op.like("scale", op.like("unary", op.like("scale", current)))
        current.is_output = build.marks_outputs
        build.graph.expand(current)
