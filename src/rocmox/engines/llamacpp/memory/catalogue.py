"""Models that need no file: shapes of public models, quantised as llama-quantize does it."""

from __future__ import annotations

import functools
import pkgutil
import tomllib
from pathlib import Path
from typing import Any

from rocmox.engines.llamacpp.memory.catalogue_tensors import list_tensors
from rocmox.engines.llamacpp.memory.model import Model, from_header
from rocmox.engines.llamacpp.memory.quantisation import QUANTISATIONS, quantise
from rocmox.errors import UsageError
from rocmox.facts.gguf import GgufHeader, TensorInfo, Value
from rocmox.facts.gguf_source import is_address, read_model

_PUBLISHED_IN = {"gpt-oss": "mxfp4"}  # published in one form only


@functools.cache
def _shapes() -> dict[str, dict[str, Any]]:
    return tomllib.loads((pkgutil.get_data(__name__, "data/catalogue.toml") or b"").decode())


def list_models() -> list[str]:
    """What `rocmox fit --list` prints: every name, then the quantisations that may follow it."""
    names = [f"{name}:mxfp4" if shape["architecture"] in _PUBLISHED_IN else name for name, shape in _shapes().items()]
    return [*names, "", f"name:quantisation with one of {', '.join(QUANTISATIONS)}"]


def find_model(text: str) -> Model:
    """A model by file, address or name of the catalogue; UsageError when it is none of them."""
    name, _, quantisation = text.partition(":")
    shape = _shapes().get(name.lower())
    if shape is not None and not Path(text).exists():
        return _from_shape(name.lower(), shape, quantisation)
    if not is_address(text) and not text.endswith(".gguf") and "/" not in text and not Path(text).exists():
        raise UsageError(
            f"{text[:80]!r} is neither a file nor a model of the catalogue",
            remedy="`rocmox fit --list` prints the names; write for example llama-3.3-70b:q4_K_S.",
        )
    return from_header(read_model(text), name=text.rsplit("/", 1)[-1].partition("?")[0])


def _from_shape(name: str, shape: dict[str, Any], quantisation: str) -> Model:
    wanted = _PUBLISHED_IN.get(shape["architecture"], quantisation or "q4_K_M")
    known = {entry.lower(): entry for entry in QUANTISATIONS}
    if wanted.lower() not in known:
        raise UsageError(
            f"{name}:{quantisation[:20]} has no such quantisation", remedy=f"Take one of {', '.join(QUANTISATIONS)}."
        )
    kind = known[wanted.lower()]
    metadata = _metadata(shape)
    tensors = quantise(list_tensors(shape), kind, shape)
    header = GgufHeader(version=3, metadata=metadata, lengths={}, tensors=tuple(tensors), read_bytes=0)
    return from_header(header, name=f"{name}:{kind}")


_KEYS = {
    "layers": "block_count",
    "embedding": "embedding_length",
    "feed_forward": "feed_forward_length",
    "heads": "attention.head_count",
    "vocabulary": "vocab_size",
    "context": "context_length",
    "window": "attention.sliding_window",
    "experts": "expert_count",
    "experts_used": "expert_used_count",
    "experts_shared": "expert_shared_count",
    "expert_groups": "expert_group_count",
    "expert_groups_used": "expert_group_used_count",
    "expert_feed_forward": "expert_feed_forward_length",
    "dense_layers": "leading_dense_block_count",
    "draft_layers": "nextn_predict_layers",
    "gating": "expert_gating_func",
    "normalizes_experts": "expert_weights_norm",
    "dense_every": "interleave_moe_layer_step",
    "q_lora_rank": "attention.q_lora_rank",
    "kv_lora_rank": "attention.kv_lora_rank",
    "head_k_mla": "attention.key_length_mla",
    "head_v_mla": "attention.value_length_mla",
}


def _metadata(shape: dict[str, Any]) -> dict[str, Value]:
    """The keys that llama.cpp's converter writes for such a model."""
    architecture = shape["architecture"]
    head = shape.get("head", shape["embedding"] // shape["heads"])
    rope = shape.get("rope", head)
    values: dict[str, Value] = {key: shape[name] for name, key in _KEYS.items() if name in shape}
    values |= {
        "attention.head_count_kv": shape.get("kv_heads", shape["heads"]),
        "attention.key_length": head,
        "attention.value_length": head,
        "rope.dimension_count": rope,
    }
    if "kv_lora_rank" in shape:
        values |= {
            "attention.head_count_kv": 1,
            "attention.key_length": shape["kv_lora_rank"] + rope,
            "attention.value_length": shape["kv_lora_rank"],
            "expert_weights_norm": "expert_groups" in shape,
            "expert_weights_scale": 2.5 if "expert_groups" in shape else 1.0,
            "expert_gating_func": 2 if "expert_groups" in shape else 1,
        }
    if architecture == "command-r":
        values["logit_scale"] = 0.0625
    return {"general.architecture": architecture, **{f"{architecture}.{key}": value for key, value in values.items()}}


def tensors_of(text: str) -> tuple[TensorInfo, ...]:
    """The tensors of a model of the catalogue, in the order of its file."""
    return tuple(find_model(text).tensors.values())
