"""Graphs as llama.cpp builds them since 2025-07 (src/llama-graph.cpp and src/llama-kv-cache.cpp of 2026-10)."""

from __future__ import annotations

from rocmox.engines.llamacpp.memory.graph import operations as op
from rocmox.engines.llamacpp.memory.graph.build import Build
from rocmox.engines.llamacpp.memory.graph.modern_attention import (
    attend_batch,
    attend_cached,
    attend_keys_alone,
    rotated,
    store,
    window,
)
from rocmox.engines.llamacpp.memory.graph.modern_experts import build_experts
from rocmox.engines.llamacpp.memory.graph.modern_inputs import add_cache_inputs
from rocmox.engines.llamacpp.memory.graph.pieces import norm, project
from rocmox.engines.llamacpp.memory.graph.style import Experts, Inputs, LatentHeads
from rocmox.engines.llamacpp.memory.graph.tensor import Tensor
from rocmox.engines.llamacpp.memory.hyperparameters import Recurrent
from rocmox.engines.llamacpp.memory.model import IncompleteModelError
from rocmox.facts.ggml_types import I32

# `llama_model_rope_type` says that they rotate by time, height and width.
_PICTURE_POSITIONS = frozenset(("paddleocr", "qwen2vl", "qwen35", "qwen35moe", "qwen3tts", "qwen3vl", "qwen3vlmoe"))


class Modern:
    """The style of the newest build."""

    def inputs(self, build: Build) -> Inputs:
        hyper = build.model.hyper
        tokens = op.new_input("inp_tokens", build.tokens, kind=I32)
        table = build.weight("token_embd.weight", build.cpu)
        if table is None:
            raise IncompleteModelError("token_embd.weight")
        embeddings = build.graph.expand(_with_image_parts(build, op.get_rows(table, tokens)))
        build.graph.expand(op.new_input("inp_embd", embeddings.ne[0], build.tokens))
        if hyper.image_layers:
            embeddings = build.graph.expand(op.view(embeddings, op.four(hyper.embedding, build.tokens), embeddings.nb))
        if hyper.scales_embedding:
            embeddings = build.graph.expand(op.like("scale", embeddings))
        inputs = Inputs(
            embeddings=embeddings,
            positions=op.new_input("inp_pos", build.tokens * _positions_per_token(build), kind=I32),
            output_rows=op.new_input("out_ids", build.outputs, kind=I32),
        )
        add_cache_inputs(build, inputs)
        if build.model.hyper.recurrent != Recurrent():
            rows = op.new_input("rs_s_copy", build.slots, kind=I32)
            inputs.states = op.view(rows, op.four(build.sequences))
            inputs.states_kept = op.view(rows, op.four(build.slots - build.sequences))
        return inputs

    def output_rows(self, build: Build, inputs: Inputs) -> Tensor:
        del build
        assert inputs.output_rows is not None  # noqa: S101 - inputs() always makes it
        return inputs.output_rows

    def split_heads(self, build: Build, current: Tensor, layer: int) -> tuple[Tensor, Tensor, Tensor]:
        hyper = build.model.hyper
        heads, kv_heads = hyper.heads[layer], hyper.kv_heads[layer]
        head_k, head_v = hyper.head_k_of(layer), hyper.head_v_of(layer)
        rows = build.model.by_layer[layer].get("attn_q.weight")
        gated = rows is not None and rows.shape[1] == 2 * head_k * heads
        shapes = ((2 * head_k if gated else head_k, heads), (head_k, kv_heads), (head_v, kv_heads))
        if build.has(layer, "attn_qkv.weight"):
            joined = project(build, current, layer, "attn_qkv")
            if hyper.clamps_kqv:
                joined = op.like("clamp", joined)
            return tuple(window(joined, width, count, build.tokens) for width, count in shapes)  # type: ignore[return-value]  # three
        parts: list[tuple[Tensor, int, int]] = []
        for name, (width, count) in zip(("attn_q", "attn_k", "attn_v"), shapes, strict=True):
            if name == "attn_v" and not build.has(layer, "attn_v.weight"):  # K serves as V (gemma4)
                parts.append((parts[-1][0], width, count))
                continue
            part = project(build, current, layer, name)
            if hyper.clamps_kqv:
                part = op.like("clamp", part)
            parts.append((part, width, count))
        return tuple(op.reshape(part, width, count, build.tokens) for part, width, count in parts)  # type: ignore[return-value]  # three

    def attend(
        self,
        build: Build,
        inputs: Inputs,
        layer: int,
        heads: tuple[Tensor, Tensor, Tensor],
        *,
        sinks: Tensor | None = None,
    ) -> Tensor:
        query, key, value = heads
        sliding = build.model.hyper.sliding[layer]
        k_rotation = inputs.k_rotation_sliding if sliding else inputs.k_rotation
        v_rotation = inputs.v_rotation_sliding if sliding else inputs.v_rotation
        if not build.model.hyper.causal:
            for part in heads:
                build.graph.expand(part)
            return attend_batch(build, query, key, value, inputs.mask)
        if k_rotation is not None:
            query, key = rotated(query, k_rotation), rotated(key, k_rotation)
        if v_rotation is not None:
            value = rotated(value, v_rotation)
        windowed = build.model.hyper.has_window
        in_order = windowed or build.settings.build.casts_mask
        for part in (query, key, value) if in_order else (query, value, key):
            build.graph.expand(part)
        store(build, inputs, layer, key, value)
        current = attend_cached(build, inputs, layer, query, sinks=sinks)
        return current if v_rotation is None else rotated(current, v_rotation)

    def attend_compressed(self, build: Build, inputs: Inputs, layer: int, heads: LatentHeads) -> Tensor:
        """`build_attn` with `llm_graph_input_attn_k`: V is the front of the cached K (until 2026 cached besides)."""
        query, key, value = heads.query, heads.key, heads.value
        both = build.settings.build.caches_latent_values
        for part in (query, key, value) if both else (query, value, key):
            build.graph.expand(part)
        if both:
            store(build, inputs, layer, key, value)
            return attend_cached(build, inputs, layer, query, decompress=heads.decompress)
        return attend_keys_alone(build, inputs, layer, heads)

    def feed_forward(
        self, build: Build, current: Tensor, layer: int, *, activation: str, prefix: str = "ffn"
    ) -> Tensor:
        """`build_ffn`; `prefix` is `ffn`, and the suffix of shared experts comes with it."""
        base, _, suffix = prefix.partition(":")
        names = {part: f"{base}_{part}{suffix}" for part in ("up", "gate", "down")}
        up = project(build, current, layer, names["up"]) if build.has(layer, f"{names['up']}.weight") else current
        if build.has(layer, f"{names['gate']}.weight"):
            gate = project(build, current, layer, names["gate"])
            current = op.gated(activation, gate, up)
        elif activation.endswith("_halves"):
            current = op.gated_halves(up)
        else:
            current = op.like("unary", up)
            if activation == "relu_sqr":
                current = op.like("sqr", current)
        if build.has(layer, f"{base}_sub_norm{suffix}.weight"):
            current = norm(build, current, layer, f"{base}_sub_norm{suffix}")
        return project(build, current, layer, names["down"])

    def experts(self, build: Build, current: Tensor, layer: int, how: Experts) -> Tensor:
        return build_experts(build, current, layer, how)


def _positions_per_token(build: Build) -> int:
    """Time, height, width and one more where rotation knows pictures (`n_pos_per_embd`)."""
    return 4 if build.model.hyper.architecture in _PICTURE_POSITIONS else 1


def _with_image_parts(build: Build, embeddings: Tensor) -> Tensor:
    """Room for what the first layers take from an image, beside each token's embedding (`n_embd_inp`)."""
    parts = build.model.hyper.image_layers
    if not parts:
        return embeddings
    return Tensor("pad", embeddings.kind, op.four(embeddings.ne[0] * (1 + parts), build.tokens), (embeddings,))
