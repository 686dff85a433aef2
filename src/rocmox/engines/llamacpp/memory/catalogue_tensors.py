"""Names and shapes of a model's tensors by its architecture (`load_arch_tensors` of src/models/*.cpp)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Entry = tuple[str, tuple[int, ...]]

_BIASED = {"qwen2", "starcoder2", "gpt-oss", "seed_oss", "glm4moe"}
_HEAD_NORMS = {"qwen3", "qwen3moe", "gemma3"}
_ROW_NORMS = {"minimax-m2"}
_POST_NORMS = {"gemma2", "gemma3", "glm4"}
_WITHOUT_FFN_NORM = {"command-r", "gpt-oss", "seed_oss", "glm4moe"}
_FUSED_QKV = {"phi3"}
_FUSED_GATE = {"phi3", "glm4"}
_NO_GATE = {"starcoder2"}
_NORM_BIASES = {"starcoder2"}


def list_tensors(shape: dict[str, Any]) -> list[Entry]:
    """In the order in which converters write them: embeddings, layers, output."""
    embedding, vocabulary, architecture = shape["embedding"], shape["vocabulary"], shape["architecture"]
    entries: list[Entry] = [("token_embd.weight", (embedding, vocabulary))]
    if "rope_factors" in shape:
        entries.append(("rope_freqs.weight", (shape["rope_factors"],)))
    for layer in range(shape["layers"]):
        entries += [(f"blk.{layer}.{name}", size) for name, size in _layer(shape, layer)]
    entries.append(("output_norm.weight", (embedding,)))
    if architecture in _NORM_BIASES:
        entries.append(("output_norm.bias", (embedding,)))
    if not shape.get("tied"):
        entries.append(("output.weight", (embedding, vocabulary)))
    return entries


def _layer(shape: dict[str, Any], layer: int) -> Iterator[Entry]:
    architecture, embedding = shape["architecture"], shape["embedding"]
    yield from _norm(shape, "attn_norm")
    yield from _mla(shape) if "kv_lora_rank" in shape else _attention(shape)
    if architecture in _POST_NORMS or architecture in {"gpt-oss", "seed_oss", "glm4moe"}:
        yield "post_attention_norm.weight", (embedding,)
    if architecture not in _WITHOUT_FFN_NORM:
        yield from _norm(shape, "ffn_norm")
    if architecture in _POST_NORMS:
        yield "post_ffw_norm.weight", (embedding,)
    if "experts" in shape and layer >= shape.get("dense_layers", 0):
        yield from _experts(shape)
    else:
        yield from _network(shape, shape["feed_forward"], "")


def _norm(shape: dict[str, Any], name: str) -> Iterator[Entry]:
    yield f"{name}.weight", (shape["embedding"],)
    if shape["architecture"] in _NORM_BIASES:
        yield f"{name}.bias", (shape["embedding"],)


def _attention(shape: dict[str, Any]) -> Iterator[Entry]:
    architecture, embedding = shape["architecture"], shape["embedding"]
    head = shape.get("head", embedding // shape["heads"])
    wide, narrow = head * shape["heads"], head * shape.get("kv_heads", shape["heads"])
    if architecture in _FUSED_QKV:
        yield "attn_qkv.weight", (embedding, wide + 2 * narrow)
    else:
        for name, rows in (("attn_q", wide), ("attn_k", narrow), ("attn_v", narrow)):
            yield f"{name}.weight", (embedding, rows)
            if architecture in _BIASED:
                yield f"{name}.bias", (rows,)
    yield "attn_output.weight", (wide, embedding)
    if architecture in {"starcoder2", "gpt-oss"}:
        yield "attn_output.bias", (embedding,)
    if architecture == "gpt-oss":
        yield "attn_sinks.weight", (shape["heads"],)
    if architecture in _HEAD_NORMS:
        yield "attn_q_norm.weight", (head,)
        yield "attn_k_norm.weight", (head,)
    if architecture in _ROW_NORMS:
        yield "attn_q_norm.weight", (wide,)
        yield "attn_k_norm.weight", (narrow,)


def _mla(shape: dict[str, Any]) -> Iterator[Entry]:
    """Compressed attention, with K and V projections cut for absorption (files since April 2025)."""
    embedding, heads, rank = shape["embedding"], shape["heads"], shape["kv_lora_rank"]
    head_k, head_v, rope = shape["head_k_mla"], shape["head_v_mla"], shape["rope"]
    if "q_lora_rank" in shape:
        yield "attn_q_a.weight", (embedding, shape["q_lora_rank"])
        yield "attn_q_a_norm.weight", (shape["q_lora_rank"],)
        yield "attn_q_b.weight", (shape["q_lora_rank"], heads * head_k)
    else:
        yield "attn_q.weight", (embedding, heads * head_k)
    yield "attn_kv_a_mqa.weight", (embedding, rank + rope)
    yield "attn_kv_a_norm.weight", (rank,)
    yield "attn_k_b.weight", (head_k - rope, rank, heads)
    yield "attn_v_b.weight", (rank, head_v, heads)
    yield "attn_output.weight", (heads * head_v, embedding)


def _network(shape: dict[str, Any], width: int, suffix: str) -> Iterator[Entry]:
    architecture, embedding = shape["architecture"], shape["embedding"]
    if architecture in _FUSED_GATE:
        yield f"ffn_up{suffix}.weight", (embedding, 2 * width)
    else:
        if architecture not in _NO_GATE:
            yield f"ffn_gate{suffix}.weight", (embedding, width)
        yield f"ffn_up{suffix}.weight", (embedding, width)
    if architecture == "starcoder2":
        yield f"ffn_up{suffix}.bias", (width,)
    yield f"ffn_down{suffix}.weight", (width, embedding)
    if architecture == "starcoder2":
        yield f"ffn_down{suffix}.bias", (embedding,)


def _experts(shape: dict[str, Any]) -> Iterator[Entry]:
    architecture, embedding, experts = shape["architecture"], shape["embedding"], shape["experts"]
    width = shape.get("expert_feed_forward", shape["feed_forward"])
    biased = architecture == "gpt-oss"
    yield "ffn_gate_inp.weight", (embedding, experts)
    if biased:
        yield "ffn_gate_inp.bias", (experts,)
    for name, size in (("gate", (embedding, width)), ("up", (embedding, width)), ("down", (width, embedding))):
        yield f"ffn_{name}_exps.weight", (*size, experts)
        if biased:
            yield f"ffn_{name}_exps.bias", (size[1], experts)
    if "expert_groups" in shape or architecture in {"glm4moe", "minimax-m2"}:
        yield "exp_probs_b.bias", (experts,)
    if "experts_shared" in shape:
        yield from _network(shape, width * shape["experts_shared"], "_shexp")
