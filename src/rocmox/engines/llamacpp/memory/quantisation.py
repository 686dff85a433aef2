"""Which type each tensor gets (`llama_tensor_get_type_impl` of src/llama-quant.cpp, without an importance matrix)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rocmox.engines.llamacpp.memory.catalogue_tensors import Entry
from rocmox.facts.ggml_types import BY_NAME
from rocmox.facts.gguf import TensorInfo

_BASE = {
    "f16": "f16",
    "bf16": "bf16",
    "q8_0": "q8_0",
    "q6_K": "q6_K",
    "q5_K_M": "q5_K",
    "q5_K_S": "q5_K",
    "q5_1": "q5_1",
    "q5_0": "q5_0",
    "q4_K_M": "q4_K",
    "q4_K_S": "q4_K",
    "q4_1": "q4_1",
    "q4_0": "q4_0",
    "iq4_nl": "iq4_nl",
    "iq4_xs": "iq4_xs",
    "q3_K_L": "q3_K",
    "q3_K_M": "q3_K",
    "q3_K_S": "q3_K",
    "q2_K": "q2_K",
    "mxfp4": "q8_0",
}
QUANTISATIONS = tuple(_BASE)

# A row that is not a multiple of the block falls back (`tensor_type_fallback`).
_FALLBACK = {
    "q2_K": "iq4_nl",
    "q3_K": "iq4_nl",
    "iq4_xs": "iq4_nl",
    "q4_K": "q5_0",
    "q5_K": "q5_1",
    "q6_K": "q8_0",
}
_LAYERS_OF_70B = 80
_FEW_EXPERTS = 8
_GROUPED_QUERIES = 4


def quantise(entries: list[Entry], kind: str, shape: dict[str, Any]) -> Iterator[TensorInfo]:
    """The tensors of a file that llama-quantize would write."""
    values = 0
    for name, size in entries:
        chosen = _choose(name, size, kind, shape, values)
        values += _is_value(name)
        yield TensorInfo(name=name, shape=size, kind=BY_NAME[_fitting(chosen, size[0])])


def _fitting(kind: str, row: int) -> str:
    while row % BY_NAME[kind].block_elements:
        kind = _FALLBACK.get(kind, "f16")
    return kind


def _is_value(name: str) -> bool:
    return name.endswith(("attn_v.weight", "attn_qkv.weight", "attn_kv_b.weight"))


def _choose(name: str, size: tuple[int, ...], kind: str, shape: dict[str, Any], value_index: int) -> str:
    if not name.endswith("weight") or len(size) < 2 or "_norm.weight" in name or "ffn_gate_inp" in name:  # noqa: PLR2004 - a matrix
        return "f32"
    base = _BASE[kind]
    if kind == "mxfp4":
        return "mxfp4" if "_exps." in name else base
    if kind in {"f16", "bf16", "q8_0"}:
        return base
    if name == "output.weight" or (name == "token_embd.weight" and shape.get("tied")):
        return "q8_0" if size[0] % BY_NAME[base].block_elements else "q6_K"
    return base if name == "token_embd.weight" else _choose_in_layer(name, kind, shape, value_index)


def _choose_in_layer(name: str, kind: str, shape: dict[str, Any], value_index: int) -> str:
    base, layer, layers = _BASE[kind], int(name.split(".")[1]), shape["layers"]
    if _is_value(name):
        return _value_type(kind, base, shape, value_index)
    if "ffn_down" in name:
        return _down_type(kind, base, layer, layers)
    if name.endswith("attn_k.weight") and shape.get("experts") == _FEW_EXPERTS:
        return "q8_0"
    return _output_type(kind, base, shape) if name.endswith("attn_output.weight") else base


def _gets_more_bits(index: int, count: int) -> bool:
    """`use_more_bits`: the first and last eighth, and every third between."""
    return index < count // 8 or index >= 7 * count // 8 or (index - count // 8) % 3 == 2  # noqa: PLR2004 - its rule


def _value_type(kind: str, base: str, shape: dict[str, Any], index: int) -> str:
    if shape.get("experts") == _FEW_EXPERTS:
        return "q8_0"
    groups = shape["heads"] // shape.get("kv_heads", shape["heads"])
    chosen = base
    if kind == "q2_K":
        chosen = "q4_K" if groups >= _GROUPED_QUERIES else "q3_K"
    elif kind == "q3_K_M":
        chosen = "q5_K" if index < 2 else "q4_K"  # noqa: PLR2004 - its rule
    elif kind == "q3_K_L" or (kind in {"iq4_nl", "iq4_xs"} and groups >= _GROUPED_QUERIES):
        chosen = "q5_K"
    elif kind in {"q4_K_M", "q5_K_M"} and _gets_more_bits(index, shape["layers"]):
        chosen = "q6_K"
    elif kind == "q4_K_S" and index < 4:  # noqa: PLR2004 - its rule
        chosen = "q5_K"
    is_70b = shape["layers"] == _LAYERS_OF_70B and (shape["architecture"] != "llama" or groups > 1)
    return "q5_K" if is_70b and chosen in {"q3_K", "q4_K"} else chosen


def _down_type(kind: str, base: str, layer: int, layers: int) -> str:
    first_eighth = layer < layers // 8
    if kind == "q2_K":
        return "q3_K"
    if kind == "q3_K_M":
        return "q5_K" if layer < layers // 16 else "q4_K"
    if kind == "q3_K_L" or (first_eighth and kind in {"q4_K_S", "iq4_nl", "iq4_xs"}):
        return "q5_K"
    if kind in {"q4_K_M", "q5_K_M"} and _gets_more_bits(layer, layers):
        return "q6_K"
    return base


def _output_type(kind: str, base: str, shape: dict[str, Any]) -> str:
    if shape.get("experts") == _FEW_EXPERTS:
        few_bits = {"q2_K", "q3_K_S", "q3_K_M", "iq4_nl", "iq4_xs", "q4_K_S", "q4_K_M"}
        return "q5_K" if kind in few_bits else base
    return {"q2_K": "q3_K", "q3_K_M": "q4_K", "q3_K_L": "q5_K"}.get(kind, base)
