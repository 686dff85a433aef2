"""Scratch memory that llama.cpp's own lines leave out: the legacy pool of the CUDA/HIP backend.

`ggml_cuda_pool_leg` (ggml/src/ggml-cuda/ggml-cuda.cu): HIP builds use it (GGML_HIP_NO_VMM is on). A buffer serves
requests up to its size, a new one is 5 % larger than asked for, and none is given back. So the pool's size follows from
the requests in their order, and those follow from the graph.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from rocmox.engines.llamacpp.memory.graph.tensor import Tensor
from rocmox.facts.ggml_types import F16, F32

_LOOK_AHEAD = 1.05
_GRAIN = 256
VECTOR_COLUMNS = 8  # MMVQ_MAX_BATCH_SIZE: up to so many columns no matrix kernel runs
_ROW_PADDING = 512  # MATRIX_ROW_PADDING
_Q8_1_BYTES, _Q8_1_ELEMENTS = 36, 32
_TILE_BYTES = 128 * 144  # get_mmq_x_max_host * sizeof(block_q8_1_mmq)


class Pool:
    """The pool of one device; `total_bytes` is what it has taken from the driver."""

    def __init__(self) -> None:
        self._free: list[int] = []
        self.total_bytes = 0

    def hold(self, sizes: Iterable[int]) -> None:
        """Ask for these together, in order, then give them back, last one first."""
        taken = [self._take(size) for size in sizes if size > 0]
        self._free += reversed(taken)

    def _take(self, size: int) -> int:
        fitting = [buffer for buffer in self._free if buffer >= size]
        if fitting:
            best = min(fitting)
            self._free.remove(best)
            return best
        grown = -(-int(_LOOK_AHEAD * size) // _GRAIN) * _GRAIN
        self.total_bytes += grown
        return grown


@dataclasses.dataclass(frozen=True, kw_only=True)
class Kernels:
    """How matrix products are computed: `uses_cublas` for more than 8 columns of quantised weights."""

    uses_cublas: bool
    copies_flash_attention_in_pool: bool


def node_requests(node: Tensor, kernels: Kernels) -> list[int]:
    """What one node of a graph borrows, in bytes."""
    if node.op == "mul_mat":
        return product_requests(node, kernels)
    if node.op == "mul_mat_id":
        return _expert_requests(node, kernels)
    if node.op == "flash_attn_ext" and kernels.copies_flash_attention_in_pool:
        return flash_attention_copies(node)
    return []


def product_requests(node: Tensor, kernels: Kernels) -> list[int]:
    """`ggml_cuda_mul_mat`: what one product borrows from the pool, in bytes."""
    weight, current = node.srcs[0], node.srcs[1]
    columns = current.ne[1]
    if weight.kind is F16 and current.ne[2] * current.ne[3] > 1:
        # ggml_cuda_mul_mat_batched_cublas: the second factor in halves; KQ asks for f32 results, KQV for halves
        halves = [2 * elements(current)]
        return halves if node.wants_f32 else [*halves, 2 * elements(node)]
    if weight.kind.is_quantized and (columns <= VECTOR_COLUMNS or not kernels.uses_cublas):
        return [quantized_columns(current)]
    if weight.kind is F32:
        return []
    # ggml_cuda_op_mul_mat_cublas: weight, columns and result as halves
    copied = 2 * weight.ne[0] * weight.ne[1] if weight.kind.is_quantized else 0
    return [copied, 2 * elements(current), 2 * elements(node)]


def _expert_requests(node: Tensor, kernels: Kernels) -> list[int]:
    """`ggml_cuda_mul_mat_id`: gathered columns and results, then a product for one expert."""
    weight, current = node.srcs[0], node.srcs[1]
    if not kernels.uses_cublas and weight.kind.is_quantized:
        return [quantized_columns(current) * max(1, node.ne[1] // max(1, current.ne[1]))]
    matrix = 2 * weight.ne[0] * weight.ne[1] if weight.kind.is_quantized else 0
    return [4 * elements(current), 4 * elements(node), matrix, 2 * elements(current), 2 * elements(node)]


def flash_attention_copies(node: Tensor) -> list[int]:
    """`launch_fattn`: K and V as halves when the cache is quantised."""
    return [2 * elements(part) for part in node.srcs[1:3] if part.kind.is_quantized]


def quantized_columns(current: Tensor) -> int:
    """Columns as q8_1, rows padded, and for matrix kernels one tile more (`ggml_cuda_op_mul_mat`)."""
    padded = -(-current.ne[0] // _ROW_PADDING) * _ROW_PADDING
    tile = _TILE_BYTES if current.ne[1] > VECTOR_COLUMNS else 0
    return elements(current) // current.ne[0] * padded * _Q8_1_BYTES // _Q8_1_ELEMENTS + tile


def elements(tensor: Tensor) -> int:
    """`ggml_nelements`."""
    ne = tensor.ne
    return ne[0] * ne[1] * ne[2] * ne[3]
