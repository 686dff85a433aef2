"""Graphs as llama.cpp built them in January 2025 (`llm_build_*` of src/llama.cpp at b4447)."""

from __future__ import annotations

from rocmox.engines.llamacpp.memory.graph import operations as op
from rocmox.engines.llamacpp.memory.graph.build import Build
from rocmox.engines.llamacpp.memory.graph.early_experts import build_experts
from rocmox.engines.llamacpp.memory.graph.pieces import norm, project
from rocmox.engines.llamacpp.memory.graph.style import Experts, Inputs, LatentHeads
from rocmox.engines.llamacpp.memory.graph.tensor import Tensor
from rocmox.engines.llamacpp.memory.hyperparameters import Recurrent
from rocmox.engines.llamacpp.memory.model import IncompleteModelError
from rocmox.facts.ggml_types import F16, F32, I32


class Early:
    """The style of b4447."""

    def inputs(self, build: Build) -> Inputs:
        table = build.weight("token_embd.weight", build.cpu)
        if table is None:
            raise IncompleteModelError("token_embd.weight")
        embeddings = op.get_rows(table, op.new_input("inp_tokens", build.tokens, kind=I32))
        if build.model.hyper.scales_embedding:
            embeddings = op.like("scale", embeddings)
        inputs = Inputs(
            embeddings=embeddings,
            positions=op.new_input("inp_pos", build.tokens, kind=I32),
            output_rows=None,
        )
        if build.model.hyper.recurrent != Recurrent():
            inputs.states = op.new_input("inp_s_copy", build.slots, kind=I32)
            inputs.states_kept = op.new_input("inp_s_mask", 1, build.slots)
        inputs.mask = self._mask(build)
        inputs.mask_sliding = self._mask(build) if build.model.hyper.has_window else None
        return inputs

    @staticmethod
    def _mask(build: Build) -> Tensor:
        """`build_inp_KQ_mask`: always f32, cast on the device for flash attention."""
        padding = build.settings.build.mask_padding
        rows = -(-build.tokens // padding) * padding
        mask = op.new_input("KQ_mask", build.kv_cells, rows, kind=F32)
        return op.cast(mask, F16) if build.settings.flash_attention else mask

    def output_rows(self, build: Build, inputs: Inputs) -> Tensor:
        """`build_inp_out_ids`, made when the last layer asks."""
        del inputs
        return op.new_input("inp_out_ids", build.outputs, kind=I32)

    def split_heads(self, build: Build, current: Tensor, layer: int) -> tuple[Tensor, Tensor, Tensor]:
        hyper = build.model.hyper
        heads, kv_heads, tokens = hyper.heads[layer], hyper.kv_heads[layer], build.tokens
        widths = (hyper.head_k * heads, hyper.head_k * kv_heads, hyper.head_v * kv_heads)
        if build.has(layer, "attn_qkv.weight"):
            joined = project(build, current, layer, "attn_qkv")
            if hyper.clamps_kqv:
                joined = op.view(joined, joined.ne, op="clamp")
            parts = tuple(op.view(joined, op.four(width, tokens), joined.nb) for width in widths)
            if build.has(layer, "attn_q_norm.weight"):  # openelm copies heads, the others rows
                query, key = (
                    op.cont(part, hyper.head_k, count, tokens)
                    for part, count in zip(parts, (heads, kv_heads), strict=False)
                )
                return query, key, op.cont(parts[2])
            query, key, value = map(op.cont, parts)
        else:
            query, key, value = (project(build, current, layer, name) for name in ("attn_q", "attn_k", "attn_v"))
            if hyper.clamps_kqv:
                query, key, value = (op.view(part, part.ne, op="clamp") for part in (query, key, value))
        return (
            op.reshape(query, hyper.head_k, heads, tokens),
            op.reshape(key, hyper.head_k, kv_heads, tokens),
            value,
        )

    def attend(
        self,
        build: Build,
        inputs: Inputs,
        layer: int,
        heads: tuple[Tensor, Tensor, Tensor],
        *,
        sinks: Tensor | None = None,
    ) -> Tensor:
        """`llm_build_kv`, `llm_build_kv_store`, `llm_build_kqv`."""
        del sinks
        query, key, value = heads
        for part in heads:
            build.graph.expand(part)
        hyper, tokens = build.model.hyper, build.tokens
        k_cache = build.cache(layer, "k", hyper.k_width(layer), build.kv_cells)
        v_cache = build.cache(layer, "v", hyper.v_width(layer), build.kv_cells)
        build.graph.expand(op.copy_into(key, op.view(k_cache, op.four(tokens * hyper.k_width(layer)))))
        stored = value if build.settings.flash_attention else op.transpose(value)
        build.graph.expand(op.copy_into(stored, op.view(v_cache, stored.ne)))
        mask = inputs.mask_sliding if hyper.sliding[layer] else inputs.mask
        return self._attend_cached(build, layer, query, (k_cache, v_cache), mask)

    @staticmethod
    def _attend_cached(
        build: Build, layer: int, query: Tensor, caches: tuple[Tensor, Tensor], mask: Tensor | None
    ) -> Tensor:
        hyper, cells, tokens = build.model.hyper, build.kv_cells, build.tokens
        kv_heads, width = hyper.kv_heads[layer], hyper.head_v * hyper.heads[layer]
        query = op.permute(query, 0, 2, 1, 3)
        key = op.view(caches[0], op.four(hyper.head_k, cells, kv_heads))
        if build.settings.flash_attention:
            value = op.view(caches[1], op.four(hyper.head_v, cells, kv_heads))
            current = op.flash_attention(query, key, value, mask, None)
            return build.graph.expand(op.reshape(current, width, tokens))
        scores = op.mul_mat(key, query)
        scores.wants_f32 = True
        if hyper.softcaps_attention:
            scores = op.like("scale", op.like("unary", op.like("scale", scores)))
        scores = op.like("soft_max", scores, *(() if mask is None else (mask,)))
        value = op.view(caches[1], op.four(cells, hyper.head_v, kv_heads))
        current = op.permute(op.mul_mat(value, scores), 0, 2, 1, 3)
        return build.graph.expand(build.on_host(op.cont(current, width, tokens)))

    def attend_compressed(self, build: Build, inputs: Inputs, layer: int, heads: LatentHeads) -> Tensor:
        """Not in this generation; files that need it are refused."""
        raise NotImplementedError

    def feed_forward(
        self, build: Build, current: Tensor, layer: int, *, activation: str, prefix: str = "ffn"
    ) -> Tensor:
        """`llm_build_ffn`."""
        base, _, suffix = prefix.partition(":")
        up = project(build, current, layer, f"{base}_up{suffix}")
        if build.has(layer, f"{base}_gate{suffix}.weight"):
            gate = project(build, current, layer, f"{base}_gate{suffix}")
            hidden = op.like("mul", op.like("unary", gate), up)
        elif activation.endswith("_halves"):
            half = (up.ne[0] // 2, *up.ne[1:])
            first, second = (op.cont(op.view(up, half, up.nb)) for _ in range(2))
            hidden = op.like("mul", op.like("unary", first), second)
        else:
            hidden = op.like("unary", up)
            if activation == "relu_sqr":
                hidden = op.like("sqr", hidden)
        if build.has(layer, f"{base}_sub_norm{suffix}.weight"):
            hidden = norm(build, hidden, layer, f"{base}_sub_norm{suffix}")
        return project(build, hidden, layer, f"{base}_down{suffix}")

    def experts(self, build: Build, current: Tensor, layer: int, how: Experts) -> Tensor:
        return build_experts(build, current, layer, how)
