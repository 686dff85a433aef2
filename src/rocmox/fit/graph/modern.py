"""Graphs as llama.cpp builds them since 2025-07 (src/llama-graph.cpp and src/llama-kv-cache.cpp of 2026-10)."""

from __future__ import annotations

from rocmox.facts.ggml_types import F16, F32, I32, I64
from rocmox.fit.graph import operations as op
from rocmox.fit.graph.build import Build
from rocmox.fit.graph.modern_experts import build_experts
from rocmox.fit.graph.pieces import project
from rocmox.fit.graph.style import Experts, Inputs
from rocmox.fit.graph.tensor import Tensor

_LARGEST_ROTATION = 64


class Modern:
    """The style of the newest build."""

    def inputs(self, build: Build) -> Inputs:
        hyper = build.model.hyper
        tokens = op.new_input("inp_tokens", build.tokens, kind=I32)
        table = build.weight("token_embd.weight", build.cpu)
        if table is None:
            raise KeyError("token_embd.weight")
        embeddings = build.graph.expand(op.get_rows(table, tokens))
        build.graph.expand(op.new_input("inp_embd", hyper.embedding, build.tokens))
        if hyper.scales_embedding:
            embeddings = build.graph.expand(op.like("scale", embeddings))
        inputs = Inputs(
            embeddings=embeddings,
            positions=op.new_input("inp_pos", build.tokens, kind=I32),
            output_rows=op.new_input("out_ids", build.outputs, kind=I32),
        )
        self._cache_inputs(build, inputs)
        return inputs

    def _cache_inputs(self, build: Build, inputs: Inputs) -> None:
        """`build_attn_inp_kv`, `build_attn_inp_kv_iswa`."""
        hyper, settings = build.model.hyper, build.settings
        if any(hyper.kv_heads):
            inputs.k_rows = _row_numbers(build)
            inputs.v_rows = None if hyper.is_mla else _value_row_numbers(build)
            inputs.mask = _mask(build, build.kv_cells)
        if hyper.has_window:
            inputs.k_rows_sliding, inputs.v_rows_sliding = _row_numbers(build), _value_row_numbers(build)
            inputs.mask_sliding = _mask(build, build.kv_cells_sliding)
        if hyper.is_mla:
            return
        if not settings.build.rotates_cache:
            return
        if settings.kv_k.is_quantized:
            inputs.k_rotation = _rotation(_k_rotation_size(build, sliding=False))
            inputs.k_rotation_sliding = _rotation(_k_rotation_size(build, sliding=True))
        if settings.kv_v.is_quantized:
            inputs.v_rotation = _rotation(_v_rotation_size(build, sliding=False))
            inputs.v_rotation_sliding = _rotation(_v_rotation_size(build, sliding=True))

    def output_rows(self, build: Build, inputs: Inputs) -> Tensor:
        del build
        assert inputs.output_rows is not None  # noqa: S101 - inputs() always makes it
        return inputs.output_rows

    def split_heads(self, build: Build, current: Tensor, layer: int) -> tuple[Tensor, Tensor, Tensor]:
        hyper = build.model.hyper
        heads, kv_heads = hyper.heads[layer], hyper.kv_heads[layer]
        head_k, head_v = hyper.head_k_of(layer), hyper.head_v_of(layer)
        shapes = ((head_k, heads), (head_k, kv_heads), (head_v, kv_heads))
        if build.has(layer, "attn_qkv.weight"):
            joined = project(build, current, layer, "attn_qkv")
            if hyper.clamps_kqv:
                joined = op.like("clamp", joined)
            return tuple(_window(joined, width, count, build.tokens) for width, count in shapes)  # type: ignore[return-value]  # three
        parts = []
        for name, (width, count) in zip(("attn_q", "attn_k", "attn_v"), shapes, strict=True):
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
        if k_rotation is not None:
            query, key = _rotated(query, k_rotation), _rotated(key, k_rotation)
        if v_rotation is not None:
            value = _rotated(value, v_rotation)
        windowed = build.model.hyper.has_window
        for part in (query, key, value) if windowed else (query, value, key):
            build.graph.expand(part)
        self._store(build, inputs, layer, key, value)
        current = _attend_cached(build, inputs, layer, query, sinks)
        return current if v_rotation is None else _rotated(current, v_rotation)

    def attend_compressed(
        self,
        build: Build,
        inputs: Inputs,
        layer: int,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        decompress: Tensor,
    ) -> Tensor:
        """`build_attn` with `llm_graph_input_attn_k`: V is the front of the cached K."""
        for part in (query, value, key):
            build.graph.expand(part)
        assert inputs.k_rows is not None  # noqa: S101 - a model with KV heads has them
        cells = build.cells(layer)
        cache = build.cache(layer, "k", build.model.hyper.k_width(layer), cells)
        build.graph.expand(op.set_rows(_all_streams(cache), _by_token(key), inputs.k_rows))
        row = cache.kind.row_bytes(cache.ne[0])
        nb = (cache.nb[0], row, row, row * cells)
        shape = (build.model.hyper.head_k, 1, cells, build.streams)
        keys = op.view(cache, shape, nb)
        values = op.view(keys, (value.ne[0], 1, cells, build.streams), nb)
        return attend_heads(
            build, query, keys, values, inputs.mask, decompress=decompress, value_is_transposed=False
        )

    def _store(self, build: Build, inputs: Inputs, layer: int, key: Tensor, value: Tensor) -> None:
        """`llama_kv_cache::cpy_k` and `cpy_v`."""
        hyper = build.model.hyper
        sliding = hyper.sliding[layer]
        k_rows = inputs.k_rows_sliding if sliding else inputs.k_rows
        v_rows = inputs.v_rows_sliding if sliding else inputs.v_rows
        assert k_rows is not None and v_rows is not None  # noqa: S101, PT018 - a layer that attends has both
        k_cache, v_cache = _caches(build, layer)
        build.graph.expand(op.set_rows(_all_streams(k_cache), _by_token(key), k_rows))
        if build.settings.flash_attention:
            build.graph.expand(op.set_rows(_all_streams(v_cache), _by_token(value), v_rows))
            return
        width = value.ne[0] * value.ne[1]
        flat = value.nb[2] == value.kind.row_bytes(width)
        rows = op.reshape(value, width, build.tokens) if flat else op.cont(value, width, build.tokens)
        if width < v_cache.ne[0]:
            rows = Tensor("pad", rows.kind, op.four(v_cache.ne[0], build.tokens), (rows,))
            width = v_cache.ne[0]
        elements = v_cache.ne[0] * v_cache.ne[1] * v_cache.ne[2]
        target = op.view(v_cache, op.four(1, elements), op="reshape")
        build.graph.expand(op.set_rows(target, op.reshape(rows, 1, width * build.tokens), v_rows))

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
        return project(build, current, layer, names["down"])

    def experts(self, build: Build, current: Tensor, layer: int, how: Experts) -> Tensor:
        return build_experts(build, current, layer, how)


def _row_numbers(build: Build) -> Tensor:
    """`build_input_k_idxs`."""
    return op.new_input("k_idxs", build.tokens, kind=I64)


def _value_row_numbers(build: Build) -> Tensor:
    """`build_input_v_idxs`: without flash attention V lies transposed and every element has its own row."""
    if build.settings.flash_attention:
        return op.new_input("v_idxs", build.tokens, kind=I64)
    hyper = build.model.hyper
    return op.new_input("v_idxs", build.tokens * max(map(hyper.v_width, range(hyper.all_layers))), kind=I64)


def _mask(build: Build, cells: int) -> Tensor:
    """`build_attn_inp_kq_mask`: one row of the mask for each token, halves for flash attention."""
    version, flash = build.settings.build, build.settings.flash_attention
    rows = -(-(build.tokens // build.streams) // version.mask_padding) * version.mask_padding
    kind = F16 if flash and not version.casts_mask else F32
    mask = op.new_input("kq_mask", cells, rows, 1, build.streams, kind=kind)
    return op.cast(mask, F16) if flash and version.casts_mask else mask


def _k_rotation_size(build: Build, *, sliding: bool) -> int:
    """`build_input_k_rot`: the largest power of two, from 64, that divides the heads of K; 0 when they differ."""
    hyper = build.model.hyper
    widths = {hyper.head_k_of(layer) for layer in range(hyper.layers) if hyper.sliding[layer] is sliding}
    if len(widths) != 1 or hyper.head_k % _LARGEST_ROTATION:
        return 0
    size = _LARGEST_ROTATION
    (width,) = widths
    while width % (2 * size) == 0:
        size *= 2
    return size


def _v_rotation_size(build: Build, *, sliding: bool) -> int:
    """`build_input_v_rot`: always 64."""
    hyper = build.model.hyper
    widths = {hyper.head_v_of(layer) for layer in range(hyper.layers) if hyper.sliding[layer] is sliding}
    return _LARGEST_ROTATION if len(widths) == 1 and hyper.head_v % _LARGEST_ROTATION == 0 else 0


def _rotation(size: int) -> Tensor | None:
    return op.new_input("attn_rot", size, size) if size else None


def _rotated(current: Tensor, rotation: Tensor) -> Tensor:
    """`llama_mul_mat_hadamard`: quantised caches store rotated values."""
    size = rotation.ne[0]
    ne = current.ne
    rows = ne[0] * ne[1] * ne[2] * ne[3] // size
    flat = current.nb == Tensor("none", current.kind, ne).nb
    current = op.reshape(current, size, rows) if flat else op.cont(current, size, rows)
    return op.reshape(op.mul_mat(rotation, current), *ne)


def _window(joined: Tensor, width: int, count: int, tokens: int) -> Tensor:
    """A view on the part of joined Q, K and V that has these heads; where it begins does not matter for memory."""
    element = joined.kind.block_bytes
    nb = (element, width * element, joined.nb[1], joined.nb[1] * tokens)
    return op.view(joined, (width, count, tokens, 1), nb)


def _caches(build: Build, layer: int) -> tuple[Tensor, Tensor]:
    """K and V of a layer; without flash attention V is padded to the widest layer ([TAG_V_CACHE_VARIABLE])."""
    hyper = build.model.hyper
    v_width = hyper.v_width(layer)
    if not build.settings.flash_attention:
        v_width = max(map(hyper.v_width, range(hyper.all_layers)))
    cells = build.cells(layer)
    return build.cache(layer, "k", hyper.k_width(layer), cells), build.cache(layer, "v", v_width, cells)


def _all_streams(cache: Tensor) -> Tensor:
    if cache.ne[2] == 1:
        return cache
    return op.view(cache, op.four(cache.ne[0], cache.ne[1] * cache.ne[2]), op="reshape")


def _by_token(part: Tensor) -> Tensor:
    nb = (part.nb[0], part.nb[2], part.nb[2] * part.ne[2], part.nb[2] * part.ne[2])
    return op.view(part, op.four(part.ne[0] * part.ne[1], part.ne[2]), nb)


def _attend_cached(build: Build, inputs: Inputs, layer: int, query: Tensor, sinks: Tensor | None) -> Tensor:
    """`get_k`, `get_v` and `build_attn_mha`."""
    hyper = build.model.hyper
    mask = inputs.mask_sliding if hyper.sliding[layer] else inputs.mask
    k_cache, v_cache = _caches(build, layer)
    cells, streams, kv_heads = build.cells(layer), build.streams, hyper.kv_heads[layer]
    key = op.view(k_cache, (hyper.head_k_of(layer), kv_heads, cells, streams))
    head_v = hyper.head_v_of(layer)
    transposed = not build.settings.flash_attention
    value = op.view(v_cache, (cells, kv_heads, head_v, streams) if transposed else (head_v, kv_heads, cells, streams))
    return attend_heads(build, query, key, value, mask, sinks=sinks)


def attend_heads(
    build: Build,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor | None,
    *,
    sinks: Tensor | None = None,
    decompress: Tensor | None = None,
    value_is_transposed: bool = True,
) -> Tensor:
    """`build_attn_mha`; `decompress` brings MLA's compressed values back to heads (`v_mla`)."""
    streams = key.ne[3]
    per_stream = query.ne[2] // streams
    query = op.view(query, (query.ne[0], query.ne[1], per_stream, streams), (*query.nb[:3], query.nb[2] * per_stream))
    query, key, value = (op.permute(part, 0, 2, 1, 3) for part in (query, key, value))
    extra = () if sinks is None else (sinks,)
    if build.settings.flash_attention:
        current = op.flash_attention(query, key, value, mask, sinks)
        if decompress is not None:
            current = op.mul_mat(decompress, op.permute(current, 0, 2, 1, 3))
            current = op.cont(op.permute(current, 0, 2, 1, 3))
        ne = current.ne
        return build.graph.expand(op.reshape(current, ne[0] * ne[1], ne[2] * ne[3]))
    scores = op.mul_mat(key, query)
    scores.wants_f32 = True
    if build.model.hyper.softcaps_attention:
        scores = op.like("scale", op.like("unary", op.like("scale", scores)))
    scores = op.like("soft_max", scores, *(() if mask is None else (mask,)), *extra)
    if not value_is_transposed:
        value = op.cont(op.transpose(value))
    current = op.mul_mat(value, scores)
    if decompress is not None:
        current = op.mul_mat(decompress, current)
    current = op.permute(current, 0, 2, 1, 3)
    ne = current.ne
    return build.graph.expand(op.cont(current, ne[0] * ne[1], ne[2] * ne[3]))
