"""Row split (`-sm row`, b3990 to b9889): matrices are cut by rows over all GPUs, everything else is as in layer mode.

`ggml_backend_cuda_split_buffer_type` and `ggml_cuda_op_mul_mat` of ggml/src/ggml-cuda/ggml-cuda.cu at b4447.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

from rocmox.engines.llamacpp.memory.graph.tensor import Tensor
from rocmox.engines.llamacpp.memory.model import Model
from rocmox.engines.llamacpp.memory.pools import VECTOR_COLUMNS, quantized_columns
from rocmox.engines.llamacpp.memory.weights import is_host_tensor, padded
from rocmox.facts.ggml_types import F32
from rocmox.facts.gguf import TensorInfo

_ROW_ROUNDING = 128  # get_mmq_y_host on AMD (but for RDNA1) and on NVIDIA since Volta
_ROW_PADDING = 512
_BLOCK_BYTES = 2 << 20  # ROCr gives out video memory in blocks of 2 MiB
_PAGE_BYTES = 4096


@dataclasses.dataclass(frozen=True, kw_only=True)
class RowWeights:
    """Bytes on each device, and how much of it rounding of each tensor's own allocation costs."""

    device_bytes: tuple[int, ...]
    rounding_bytes: tuple[int, ...]


def row_bounds(rows: int, shares: Sequence[float]) -> list[tuple[int, int]]:
    """First and last row of each device (`get_row_split`): bounds are rounded down, the last device takes the rest."""
    total = sum(shares)
    starts = [sum(shares[:index]) / total for index in range(len(shares))]
    lows = [int(rows * start) // _ROW_ROUNDING * _ROW_ROUNDING for start in starts]
    return list(zip(lows, [*lows[1:], rows], strict=True))


def row_weights(model: Model, *, places: tuple[int, ...], shares: Sequence[float]) -> RowWeights:
    """Every split matrix is an allocation of its own on each device; small tensors stay with their layer."""
    totals, rounding = [0] * len(shares), [0] * len(shares)
    fragments = [_Fragments() for _ in shares]
    for tensor, owner, split in _placed(model, places, shares):
        if not split:
            totals[owner] += padded(tensor, alignment=128, pads_rows=True)
            continue
        for device, (low, high) in enumerate(row_bounds(tensor.shape[1], shares)):
            size = tensor.kind.row_bytes(tensor.shape[0]) * (high - low)
            rest = tensor.shape[0] % _ROW_PADDING
            if size and rest and tensor.kind.is_quantized:
                size += tensor.kind.row_bytes(_ROW_PADDING - rest)
            totals[device] += size
            rounding[device] += fragments[device].waste(size)
    return RowWeights(device_bytes=tuple(totals), rounding_bytes=tuple(rounding))


class _Fragments:
    """Ends of 2 MiB blocks that later, smaller allocations can still use (ROCr's fragment allocator), best fit."""

    def __init__(self) -> None:
        self._free: list[int] = []

    def waste(self, size: int) -> int:
        """Bytes taken beyond the allocation's size; negative when it fills the end of another's block."""
        if not size:
            return 0
        paged = -(-size // _PAGE_BYTES) * _PAGE_BYTES
        fitting = [fragment for fragment in self._free if fragment >= paged]
        if fitting:
            best = min(fitting)
            self._free.remove(best)
            self._keep(best - paged)
            return -size
        rest = -paged % _BLOCK_BYTES
        self._keep(rest)
        return paged + rest - size

    def _keep(self, rest: int) -> None:
        if rest:
            self._free.append(rest)


def _placed(model: Model, places: tuple[int, ...], shares: Sequence[float]) -> Iterator[tuple[TensorInfo, int, bool]]:
    for name, tensor in model.loaded.items():
        if is_host_tensor(name):
            continue
        layer = int(name.split(".")[1]) if name.startswith("blk.") else len(places) - 1
        owner = places[layer]
        matrix = len(tensor.shape) == 2 and "norm" not in name  # noqa: PLR2004 - a matrix has two dimensions
        low, high = row_bounds(tensor.shape[1], shares)[owner] if matrix else (0, 0)
        yield tensor, owner, high > low
    if model.tied_output is not None:
        yield model.tied_output, places[-1], True


def slice_requests(node: Tensor, rows: int, *, remote: bool, uses_cublas: bool) -> list[int]:
    """What a split product borrows on one device that computes `rows` rows of it (`ggml_cuda_op_mul_mat`).

    With cuBLAS the slice is expanded to f32: `row_diff == ne01` is false, so the f16 way is out. A GPU that does not
    own the layer also copies the columns and holds its slice of the result.
    """
    weight, columns = node.srcs[0], node.srcs[1].ne[1]
    length = weight.ne[0]
    copied, result = (4 * length * columns, 4 * rows * columns) if remote else (0, 0)
    if weight.kind.is_quantized and (columns <= VECTOR_COLUMNS or not uses_cublas):
        return [copied, quantized_columns(node.srcs[1]), result]
    return [copied, result, 0 if weight.kind is F32 else 4 * length * rows]


def is_split(node: Tensor, owner: int, shares: Sequence[float]) -> bool:
    """Whether a product's weight is cut by rows: a matrix of which its owner gets a part."""
    if node.op != "mul_mat" or not node.srcs[0].is_weight or node.srcs[0].ne[2] > 1:
        return False
    low, high = row_bounds(node.srcs[0].ne[1], shares)[owner]
    return high > low
