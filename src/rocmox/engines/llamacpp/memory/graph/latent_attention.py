"""Attention over compressed keys and values (MLA: src/models/deepseek2.cpp; `build_deepseek2` of b4447)."""

from __future__ import annotations

from rocmox.engines.llamacpp.memory.graph import operations as op
from rocmox.engines.llamacpp.memory.graph.build import Build
from rocmox.engines.llamacpp.memory.graph.pieces import norm, rope
from rocmox.engines.llamacpp.memory.graph.style import Inputs, LatentHeads, Style
from rocmox.engines.llamacpp.memory.graph.tensor import Tensor
from rocmox.engines.llamacpp.memory.model import IncompleteModelError


def attend_latent(build: Build, style: Style, inputs: Inputs, layer: int, current: Tensor) -> Tensor:
    """Attention of one layer, without the output projection."""
    query = _query(build, layer, current)
    joined = op.mul_mat(_weight(build, layer, "attn_kv_a_mqa"), current)
    if build.settings.build.is_early:
        return style.attend(build, inputs, layer, _early_heads(build, inputs, layer, query, joined))
    hyper = build.model.hyper
    rotary, rank, heads = hyper.rope_dimensions, hyper.kv_lora_rank, hyper.heads[layer]
    head_k = hyper.head_k_mla or hyper.head_k
    query = op.reshape(query, head_k, heads, build.tokens)
    rotated = rope(op.view(joined, op.four(rotary, 1, build.tokens), _rows(joined)), inputs.positions)
    compressed = norm(build, op.view(joined, op.four(rank, build.tokens), joined.nb), layer, "attn_kv_a_norm")
    if hyper.is_mla:
        wide = _absorbed(build, inputs, layer, query, (compressed, rotated))
        return style.attend_compressed(build, inputs, layer, wide)
    expanded = op.mul_mat(_weight(build, layer, "attn_kv_b"), compressed)
    nope, head_v = head_k - rotary, hyper.head_v
    key = op.view(expanded, op.four(nope, heads, build.tokens), _heads(expanded, nope + head_v))
    value = op.cont(op.view(expanded, op.four(head_v, heads, build.tokens), _heads(expanded, nope + head_v)))
    query = rope(query, inputs.positions)
    repeated = Tensor("repeat", rotated.kind, op.four(rotary, heads, build.tokens), (rotated,))
    return style.attend(build, inputs, layer, (query, op.concat(key, repeated, 0), value))


def _weight(build: Build, layer: int, name: str) -> Tensor:
    weight = build.of_layer(layer, f"{name}.weight")
    if weight is None:
        raise IncompleteModelError(f"blk.{layer}.{name}.weight")
    return weight


def _query(build: Build, layer: int, current: Tensor) -> Tensor:
    if not build.has(layer, "attn_q_a.weight"):
        return op.mul_mat(_weight(build, layer, "attn_q"), current)
    query = norm(build, op.mul_mat(_weight(build, layer, "attn_q_a"), current), layer, "attn_q_a_norm")
    return op.mul_mat(_weight(build, layer, "attn_q_b"), query)


def _rows(joined: Tensor) -> tuple[int, int, int, int]:
    nb = joined.nb
    return (nb[0], nb[1], nb[1], nb[1] * joined.ne[1])


def _heads(joined: Tensor, width: int) -> tuple[int, int, int, int]:
    nb = joined.nb
    return (nb[0], nb[0] * width, nb[1], nb[1] * joined.ne[1])


def _absorbed(build: Build, inputs: Inputs, layer: int, query: Tensor, latent: tuple[Tensor, Tensor]) -> LatentHeads:
    """With K's projection absorbed into the query: one wide head that all queries share."""
    hyper, (compressed, rotated) = build.model.hyper, latent
    rotary, heads, tokens = hyper.rope_dimensions, hyper.heads[layer], build.tokens
    nope = hyper.head_k_mla - rotary
    plain = op.view(query, op.four(nope, heads, tokens), query.nb)
    turned = rope(op.view(query, op.four(rotary, heads, tokens), query.nb), inputs.positions)
    plain = op.mul_mat(_weight(build, layer, "attn_k_b"), op.permute(plain, 0, 2, 1, 3))
    absorbed = op.concat(op.permute(plain, 0, 2, 1, 3), turned, 0)
    compressed = op.reshape(compressed, hyper.kv_lora_rank, 1, tokens)
    key = op.concat(compressed, rotated, 0)
    return LatentHeads(query=absorbed, key=key, value=compressed, decompress=_weight(build, layer, "attn_v_b"))


def _early_heads(
    build: Build, inputs: Inputs, layer: int, query: Tensor, joined: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Everything decompressed to full heads, with copies where kernels wanted them (January 2025)."""
    hyper, tokens = build.model.hyper, build.tokens
    rotary, rank, heads = hyper.rope_dimensions, hyper.kv_lora_rank, hyper.heads[layer]
    nope, head_v = hyper.head_k - rotary, hyper.head_v
    plain = op.view(query, op.four(nope, heads, tokens), _heads(query, hyper.head_k))
    turned = op.view(query, op.four(rotary, heads, tokens), _heads(query, hyper.head_k))
    compressed = op.cont(op.view(joined, op.four(rank, tokens), joined.nb))
    compressed = norm(build, compressed, layer, "attn_kv_a_norm")
    expanded = op.mul_mat(_weight(build, layer, "attn_kv_b"), compressed)
    key = op.view(expanded, op.four(nope, heads, tokens), _heads(expanded, nope + head_v))
    value = op.cont(op.view(expanded, op.four(head_v, heads, tokens), _heads(expanded, nope + head_v)))
    value = op.view(value, op.four(head_v * heads, tokens))
    turned = rope(op.cont(turned), inputs.positions)
    rotated = rope(op.cont(op.view(joined, op.four(rotary, 1, tokens), _rows(joined))), inputs.positions)
    repeated = Tensor("repeat", rotated.kind, turned.ne, (rotated,))
    return op.concat(plain, turned, 0), op.concat(key, repeated, 0), value
