"""Weights on each device and in host memory (`llama_model_loader`, `create_tensor` of src/llama-model.cpp)."""

from __future__ import annotations

import dataclasses

from rocmox.engines.llamacpp.memory.model import Model
from rocmox.engines.llamacpp.memory.overrides import Override, place_of
from rocmox.facts.gguf import TensorInfo

_INPUT_TENSORS = ("token_embd", "token_types", "position_embd", "token_embd_norm", "per_layer_token_embd")
_FIRST_LAYER_TENSORS = ("per_layer_model_proj", "per_layer_proj_norm")
_ROW_PADDING = 512  # MATRIX_ROW_PADDING of ggml-cuda.cu


@dataclasses.dataclass(frozen=True, kw_only=True)
class Weights:
    """Bytes of the model's buffers."""

    device_bytes: tuple[int, ...]
    host_bytes: int


def weight_bytes(
    model: Model,
    *,
    places: tuple[int, ...],
    devices: int,
    alignment: int = 128,
    pads_rows: bool = True,
    overrides: tuple[Override, ...] = (),
) -> Weights:
    """Layers where they are placed, embeddings on the host, the output (tied: a second copy) on the last device.

    `pads_rows`: CUDA and HIP lengthen quantised rows that are no multiple of 512
    (`ggml_backend_cuda_buffer_type_get_alloc_size`).
    """
    totals = [0] * (devices + 1)  # the last is the host
    host = 0
    for name, tensor in model.loaded.items():
        size = padded(tensor, alignment=alignment, pads_rows=pads_rows)
        if name.startswith("blk."):
            place = places[int(name.split(".")[1])]
            totals[place_of(overrides, name, place=place, cpu=devices)] += size
        elif is_host_tensor(name):
            host += tensor.data_bytes
        elif name.partition(".")[0] in {"rope_freqs", "rope_factors_long", "rope_factors_short"}:
            for device in sorted(set(places[:-1])):
                totals[device] += size
        else:
            place = places[0 if name.partition(".")[0] in _FIRST_LAYER_TENSORS else -1]
            totals[place_of(overrides, name, place=place, cpu=devices)] += size
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
