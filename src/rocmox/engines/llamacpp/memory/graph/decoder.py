"""A decoder's graph, layer by layer, by its profile."""

from __future__ import annotations

import dataclasses

from rocmox.engines.llamacpp.memory.architectures import shares_embeddings
from rocmox.engines.llamacpp.memory.graph import operations as op
from rocmox.engines.llamacpp.memory.graph.attention import Attention
from rocmox.engines.llamacpp.memory.graph.build import Build
from rocmox.engines.llamacpp.memory.graph.network import Network
from rocmox.engines.llamacpp.memory.graph.per_layer_inputs import (
    add_layer_input,
    build_per_layer_inputs,
    has_per_layer_inputs,
)
from rocmox.engines.llamacpp.memory.graph.pieces import chosen_rows, norm, scaled_norm
from rocmox.engines.llamacpp.memory.graph.profiles import Profile
from rocmox.engines.llamacpp.memory.graph.recurrent import keeps_state
from rocmox.engines.llamacpp.memory.graph.style import Inputs, Style
from rocmox.engines.llamacpp.memory.graph.tensor import Tensor
from rocmox.facts.ggml_types import F32

_USUAL_LAYOUTS = frozenset({"sequential", "behind"})


@dataclasses.dataclass(kw_only=True)
class Decoder:
    """Builds one graph; `inputs` are made when it starts."""

    build: Build
    style: Style
    profile: Profile
    inputs: Inputs
    slices: Tensor | None = None

    def __post_init__(self) -> None:
        """Parts of layers, which share all this."""
        self.attention = Attention(build=self.build, style=self.style, profile=self.profile, inputs=self.inputs)
        self.network = Network(build=self.build, style=self.style, profile=self.profile)

    def run(self) -> None:
        """Embeddings, layers, last norm, logits."""
        current = self._embed()
        last = self.build.model.hyper.layers - 1
        rows_last = bool(self.profile.rows_last) and self.build.settings.build.chooses_rows_last
        if self.profile.layout == "streams" and self.slices is not None:
            self._run_streams(current, self.slices)
            return
        for layer in range(last + 1):
            rows = self.style.output_rows(self.build, self.inputs) if layer == last and not rows_last else None
            current = self._layer(layer, current, rows)
        self._finish(current, self.style.output_rows(self.build, self.inputs) if rows_last else None)

    def _run_streams(self, current: Tensor, slices: Tensor) -> None:
        from rocmox.engines.llamacpp.memory.graph.altup import Streams  # noqa: PLC0415 - few models have such layers

        streams = Streams(build=self.build, attention=self.attention, slices=slices)
        current = streams.start(current)
        for layer in range(self.build.model.hyper.layers):
            current = streams.layer(layer, current)
        rows = self.style.output_rows(self.build, self.inputs)
        self._finish(chosen_rows(streams.merge(current), rows), None)

    def _embed(self) -> Tensor:
        build, current = self.build, self.inputs.embeddings
        if self.profile.scales_input:
            current = op.like("scale", current)
        if self.profile.norms_input:
            current = op.like(self.profile.norm, current)
        positions = build.weight("position_embd.weight", build.cpu)
        if positions is not None:
            current = op.like("add", current, op.get_rows(positions, self.inputs.positions))
        first = build.weight("token_embd_norm.weight", build.cpu)
        if first is not None and self.profile.last_norm != "token_embd_norm":
            bias = build.weight("token_embd_norm.bias", build.cpu)
            place = None if build.settings.build.is_early else build.places[0]
            current = scaled_norm(build, current, first, bias, kind=self.profile.norm, place=place)
        if self.profile.tempers_attention:
            self.attention.temperature = op.new_input("inp_attn_scale", 1, 1, build.tokens, kind=F32)
        if has_per_layer_inputs(build):
            self.slices = build_per_layer_inputs(build, current)
        return current

    def _layer(self, layer: int, residual: Tensor, rows: Tensor | None) -> Tensor:
        if self._is_parallel(layer):
            return self._parallel(layer, residual, rows)
        if self.profile.layout not in _USUAL_LAYOUTS:
            from rocmox.engines.llamacpp.memory.graph.odd_layers import ODD_LAYERS  # noqa: PLC0415 - few models have such layers

            return ODD_LAYERS[self.profile.layout](self.attention, self.network, layer, residual, rows)
        if self._is_network_alone(layer):
            return self._networked(layer, chosen_rows(residual, rows))
        residual = self._mixed(layer, residual, rows)
        if not self._has_network(layer) or not self._mixes(layer):
            return residual
        return self._ended(layer, self._networked(layer, residual))

    def _mixed(self, layer: int, residual: Tensor, rows: Tensor | None) -> Tensor:
        """The first half: norm, attention or a state, its norm, residual."""
        build = self.build
        current = residual if self.profile.layout == "behind" else self._norm(residual, layer, "attn_norm")
        if self.profile.expands_norm:
            build.graph.expand(current)
        current = self._mix(layer, current)
        post = self._post_norm(layer)
        early = bool(post) and build.settings.build.is_early
        if not early:
            current, residual = chosen_rows(current, rows), chosen_rows(residual, rows)
        if post:
            current = self._norm(current, layer, post)
        if early:
            current, residual = chosen_rows(current, rows), chosen_rows(residual, rows)
        if build.model.hyper.scales_residual:
            current = op.like("scale", current)
        return self._summed(current, residual)

    def _networked(self, layer: int, residual: Tensor) -> Tensor:
        """The second half: norm, network, its norm, residual."""
        build = self.build
        behind = self.profile.layout == "behind"
        current = residual if behind else self._norm(residual, layer, self._ffn_norm(layer))
        if build.has(layer, "pre_ffw_norm_2.weight"):
            from rocmox.engines.llamacpp.memory.graph.experts_beside import build_network_beside_experts  # noqa: PLC0415

            current = build_network_beside_experts(build, self.style, layer, current, residual)
        else:
            current = self.network.run(layer, current)
        if build.has(layer, "post_ffw_norm.weight"):
            pinned = self.profile.post_norm_pinned
            current = norm(build, current, layer, "post_ffw_norm", kind=self.profile.norm, pinned=pinned)
        if build.model.hyper.scales_residual:
            current = op.like("scale", current)
        return self._summed(current, residual, second=True)

    def _ended(self, layer: int, current: Tensor) -> Tensor:
        """What some models add to or multiply with a finished layer."""
        build = self.build
        if self.slices is not None:
            current = add_layer_input(build, layer, current, self.slices)
        scale = build.of_layer(layer, "layer_output_scale.weight")
        if scale is not None:
            current = op.like("mul", current, scale)
        if layer < build.model.hyper.image_layers:
            embeddings = self.inputs.embeddings
            current = op.like("add", current, op.view(embeddings, current.ne, embeddings.nb))
        return current

    def _parallel(self, layer: int, residual: Tensor, rows: Tensor | None) -> Tensor:
        build = self.build
        normed = self._norm(residual, layer, "attn_norm")
        second = build.has(layer, "attn_norm_2.weight")
        current = self.attention.run(layer, self._norm(residual, layer, "attn_norm_2") if second else normed)
        own_norm = self.profile.layout == "parallel_own_norm"
        parts = (current, residual) if own_norm else (current, residual, normed)
        attended, residual, *rest = (chosen_rows(part, rows) for part in parts)
        hidden = self.network.run(layer, self._norm(residual, layer, "ffn_norm") if own_norm else rest[0])
        if self.profile.residual_before_attention:
            return op.like("add", op.like("add", hidden, residual), attended)
        if self.profile.layout == "parallel_without_norm":
            return op.like("add", hidden, op.like("add", attended, residual))
        return op.like("add", op.like("add", hidden, attended), residual)

    def _is_parallel(self, layer: int) -> bool:
        layout = self.profile.layout
        if layout == "parallel_without_norm":
            return not self.build.has(layer, "ffn_norm.weight")
        return layout.startswith("parallel")

    def _summed(self, current: Tensor, residual: Tensor, *, second: bool = False) -> Tensor:
        first = self.profile.residual_first in {"both", "network" if second else "attention"}
        return op.like("add", *((residual, current) if first else (current, residual)))

    def _is_network_alone(self, layer: int) -> bool:
        """Whether a layer has nothing but a network (deci)."""
        return not self._mixes(layer) and not self.build.has(layer, "attn_norm.weight")

    def _post_norm(self, layer: int) -> str:
        """The norm behind attention, when it is not the one before the network."""
        taken = self._ffn_norm(layer)
        for name in ("post_attention_norm", "attn_output_norm"):
            if name != taken and self.build.has(layer, f"{name}.weight"):
                return name
        return ""

    def _mixes(self, layer: int) -> bool:
        """Whether a layer looks at other tokens; some hybrids have layers that are networks only."""
        return keeps_state(self.build, layer) or self.build.has(layer, "attn_output.weight")

    def _has_network(self, layer: int) -> bool:
        return any(self.build.has(layer, f"{name}.weight") for name in ("ffn_up", "ffn_gate_inp", "ffn_gate_up"))

    def _mix(self, layer: int, current: Tensor) -> Tensor:
        """Attention, a state, or neither."""
        if not self._mixes(layer):
            return self.network.run(layer, current)
        if not keeps_state(self.build, layer):
            return self.attention.run(layer, current)
        from rocmox.engines.llamacpp.memory.graph.state_layers import build_state_layer  # noqa: PLC0415 - few models have such layers

        return build_state_layer(self.build, self.inputs, layer, current)

    def _norm(self, current: Tensor, layer: int, name: str) -> Tensor:
        return norm(self.build, current, layer, name, kind=self.profile.norm)

    def _ffn_norm(self, layer: int) -> str:
        """Models without `ffn_norm` keep that norm under another name."""
        for name in ("ffn_norm", "attn_output_norm", "post_attention_norm"):
            if self.build.has(layer, f"{name}.weight"):
                return name
        return "ffn_norm"

    def _output(self, place: int) -> Tensor:
        build = self.build
        if shares_embeddings(build.model.hyper.architecture):
            shared = build.weight("token_embd.weight", build.cpu)
            if shared is not None:
                return shared
        return build.weight("output.weight", place) or build.tied_output(place)

    def _finish(self, current: Tensor, rows: Tensor | None) -> None:
        """The last norm and the logits (`result_norm`, `result_output`); both are outputs since 2025."""
        build, hyper = self.build, self.build.model.hyper
        place = build.places[-1]
        if rows is not None and self.profile.rows_last == "before_norm":
            current.is_output = build.marks_outputs
            current = op.get_rows(current, rows)
        weight, bias = (build.weight(f"{self.profile.last_norm}.{part}", place) for part in ("weight", "bias"))
        current = scaled_norm(build, current, weight, bias, kind=self.profile.norm, place=None)
        current.is_output = build.marks_outputs
        if rows is not None and self.profile.rows_last == "after_norm":
            current = op.get_rows(current, rows)
            current.is_output = build.marks_outputs
        current = op.mul_mat(self._output(place), current)
        bias = build.weight("output.bias", place)
        if bias is not None:
            current = op.like("add", current, bias)
        if hyper.scales_logits:
            current = op.like("scale", current)
        if hyper.softcaps_logits:
            current = op.like("scale", op.like("unary", op.like("scale", current)))
        current.is_output = build.marks_outputs
        build.graph.expand(current)
