"""Weights on each device and in host memory (`llama_model_loader`, `create_tensor` of src/llama-model.cpp)."""

from __future__ import annotations

import dataclasses
import re

from rocmox.facts.gguf import TensorInfo
from rocmox.fit.model import Model

_INPUT_TENSORS = ("token_embd", "token_types", "position_embd", "token_embd_norm", "per_layer_token_embd")
_FIRST_LAYER_TENSORS = ("per_layer_model_proj", "per_layer_proj_norm")
_EXPERT = re.compile(r"ffn_(up|down|gate|gate_up)_(ch|)exps")
_ROW_PADDING = 512  # MATRIX_ROW_PADDING of ggml-cuda.cu


@dataclasses.dataclass(frozen=True, kw_only=True)
class Weights:
    """Bytes of the model's buffers."""

    device_bytes: tuple[int, ...]
    host_bytes: int


def is_expert(name: str) -> bool:
    """Whether `--n-cpu-moe` moves it (LLM_FFN_EXPS_REGEX of common/common.h); `name` is without `blk.N.`."""
    return _EXPERT.match(name) is not None


def weight_bytes(
    model: Model,
    *,
    places: tuple[int, ...],
    devices: int,
    alignment: int = 128,
    pads_rows: bool = True,
    cpu_expert_layers: int = 0,
) -> Weights:
    """Layers where they are placed, embeddings on the host, the output (tied: a second copy) on the last device.

    `pads_rows`: CUDA and HIP lengthen quantised rows that are no multiple of 512
    (`ggml_backend_cuda_buffer_type_get_alloc_size`).
    """
    totals = [0] * (devices + 1)  # the last is the host
    host = 0
    for name, tensor in model.tensors.items():
        size = padded(tensor, alignment=alignment, pads_rows=pads_rows)
        block, _, rest = name.removeprefix("blk.").partition(".")
        if name.startswith("blk."):
            layer = int(block)
            if layer < model.hyper.layers or model.hyper.draft_layers == 0:
                on_host = layer < cpu_expert_layers and is_expert(rest)
                totals[devices if on_host else places[layer]] += size
        elif is_host_tensor(name):
            host += tensor.data_bytes
        elif name.partition(".")[0] in {"rope_freqs", "rope_factors_long", "rope_factors_short"}:
            for device in sorted(set(places[:-1])):
                totals[device] += size
        else:
            totals[places[0 if name.partition(".")[0] in _FIRST_LAYER_TENSORS else -1]] += size
    if model.tied_output is not None:
        totals[places[-1]] += padded(model.tied_output, alignment=alignment, pads_rows=pads_rows)
    return Weights(device_bytes=tuple(totals[:-1]), host_bytes=host + totals[-1])


def is_host_tensor(name: str) -> bool:
    """Whether llama.cpp keeps it in host memory: the input layer is not offloaded."""
    return name.partition(".")[0] in _INPUT_TENSORS


def padded(tensor: TensorInfo, *, alignment: int, pads_rows: bool) -> int:
    """Bytes of a tensor in a buffer."""
    size = tensor.data_bytes
    rest = tensor.shape[0] % _ROW_PADDING
    if pads_rows and tensor.kind.is_quantized and rest:
        size += tensor.kind.row_bytes(_ROW_PADDING - rest)
    return -(-size // alignment) * alignment
