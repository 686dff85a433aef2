"""Storing to the KV cache and attention in graphs since 2025 (`cpy_k`, `cpy_v`, `get_k`, `get_v`, `build_attn_mha`)."""

from __future__ import annotations

from rocmox.engines.llamacpp.memory.graph import operations as op
from rocmox.engines.llamacpp.memory.graph.build import Build
from rocmox.engines.llamacpp.memory.graph.style import Inputs, LatentHeads
from rocmox.engines.llamacpp.memory.graph.tensor import Tensor
from rocmox.engines.llamacpp.memory.model import IncompleteModelError
from rocmox.facts.ggml_types import F16


def store(build: Build, inputs: Inputs, layer: int, key: Tensor, value: Tensor) -> None:
    """`llama_kv_cache::cpy_k` and `cpy_v`."""
    hyper = build.model.hyper
    sliding = hyper.sliding[layer]
    k_rows = inputs.k_rows_sliding if sliding else inputs.k_rows
    v_rows = inputs.v_rows_sliding if sliding else inputs.v_rows
    if k_rows is None or v_rows is None:
        raise IncompleteModelError(f"KV cache for layer {layer}")
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


def rotated(current: Tensor, rotation: Tensor) -> Tensor:
    """`llama_mul_mat_hadamard`: quantised caches store rotated values."""
    size = rotation.ne[0]
    ne = current.ne
    rows = ne[0] * ne[1] * ne[2] * ne[3] // size
    flat = current.nb == Tensor("none", current.kind, ne).nb
    current = op.reshape(current, size, rows) if flat else op.cont(current, size, rows)
    return op.reshape(op.mul_mat(rotation, current), *ne)


def window(joined: Tensor, width: int, count: int, tokens: int) -> Tensor:
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


def attend_cached(
    build: Build,
    inputs: Inputs,
    layer: int,
    query: Tensor,
    *,
    sinks: Tensor | None = None,
    decompress: Tensor | None = None,
    stored_by: int | None = None,
) -> Tensor:
    """`get_k`, `get_v` and `build_attn_mha`; `stored_by` is the layer whose cache is read, when it is another's."""
    hyper = build.model.hyper
    layer = layer if stored_by is None else stored_by
    mask = inputs.mask_sliding if hyper.sliding[layer] else inputs.mask
    k_cache, v_cache = _caches(build, layer)
    cells, streams, kv_heads = build.cells(layer), build.streams, hyper.kv_heads[layer]
    key = op.view(k_cache, (hyper.head_k_of(layer), kv_heads, cells, streams))
    head_v = hyper.head_v_of(layer)
    transposed = not build.settings.flash_attention
    if transposed:
        row = v_cache.kind.row_bytes(cells)
        nb = (v_cache.nb[0], row * head_v, row, row * v_cache.ne[0])
        value = op.view(v_cache, (cells, kv_heads, head_v, streams), nb)
    else:
        value = op.view(v_cache, (head_v, kv_heads, cells, streams))
    return attend_heads(build, query, key, value, mask, sinks=sinks, decompress=decompress)


def attend_stored(build: Build, inputs: Inputs, layer: int, query: Tensor) -> Tensor:
    """Attention over an earlier layer's cache (`reuse` in `llama_model::create_memory`): Q alone is computed."""
    sliding = build.model.hyper.sliding[layer]
    k_rotation = inputs.k_rotation_sliding if sliding else inputs.k_rotation
    v_rotation = inputs.v_rotation_sliding if sliding else inputs.v_rotation
    if k_rotation is not None:
        query = rotated(query, k_rotation)
    build.graph.expand(query)
    current = attend_cached(
        build, inputs, layer, query, stored_by=build.model.hyper.kv_from_start - (2 if sliding else 1)
    )
    return current if v_rotation is None else rotated(current, v_rotation)


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
    casts: bool = False,
) -> Tensor:
    """`build_attn_mha`; `decompress` brings MLA's compressed values back to heads (`v_mla`)."""
    streams = key.ne[3]
    per_stream = query.ne[2] // streams
    query = op.view(query, (query.ne[0], query.ne[1], per_stream, streams), (*query.nb[:3], query.nb[2] * per_stream))
    query, key, value = (op.permute(part, 0, 2, 1, 3) for part in (query, key, value))
    extra = () if sinks is None else (sinks,)
    if build.settings.flash_attention:
        if casts:
            key, value = op.cast(key, F16), op.cast(value, F16)
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
    return build.graph.expand(build.on_host(op.cont(current, ne[0] * ne[1], ne[2] * ne[3])))


def attend_batch(build: Build, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
    """Attention over the batch itself, without a cache (`llm_graph_input_attn_no_cache`)."""
    if build.settings.flash_attention:
        return attend_heads(build, query, key, value, mask, casts=True)
    return attend_heads(build, query, key, value, mask, value_is_transposed=False)


def attend_keys_alone(build: Build, inputs: Inputs, layer: int, heads: LatentHeads) -> Tensor:
    """Compressed attention over a cache of K, whose front is V."""
    if inputs.k_rows is None:
        raise IncompleteModelError(f"KV cache for layer {layer}")
    cells = build.cells(layer)
    cache = build.cache(layer, "k", build.model.hyper.k_width(layer), cells)
    build.graph.expand(op.set_rows(_all_streams(cache), _by_token(heads.key), inputs.k_rows))
    row = cache.kind.row_bytes(cache.ne[0])
    nb = (cache.nb[0], row, row, row * cells)
    keys = op.view(cache, (build.model.hyper.head_k, 1, cells, build.streams), nb)
    values = op.view(keys, (heads.value.ne[0], 1, cells, build.streams), nb)
    return attend_heads(
        build, heads.query, keys, values, inputs.mask, decompress=heads.decompress, value_is_transposed=False
    )
