"""Which device holds which layer (`get_layer_buft_list` in `load_tensors`, src/llama-model.cpp)."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from rocmox.errors import UsageError


def place_layers(
    *, layers: int, shares: Sequence[float], on_gpus: int | None = None, output_first: bool = True
) -> tuple[int, ...]:
    """Device of each layer, and, last, of the output layer, which counts as one layer more.

    A layer goes to the first device whose cumulative share exceeds layer/(layers+1). llama.cpp computes in single
    precision, which decides where three equal devices meet. The last `on_gpus` are offloaded (None: all); the CPU
    counts as the device behind the last. `output_first`: the output layer is the first to be offloaded, not the last.
    Raises UsageError for shares that make no sense.
    """
    if not shares or min(shares) < 0 or sum(shares) <= 0:
        raise UsageError(f"tensor split {shares}: shares are not negative and one is above 0")
    ends: list[float] = []
    total = 0.0
    for share in shares:
        total = _single(total + _single(share))
        ends.append(total)
    ends = [_single(end / total) for end in ends]
    last = max(index for index, share in enumerate(shares) if share)
    offloaded = layers + 1 if on_gpus is None else min(on_gpus, layers + 1)
    first = layers + 1 - offloaded if output_first else max(layers - offloaded, 0)
    behind = layers + 1 - offloaded - first
    placed = tuple(_first_above(ends, _single(layer / offloaded), last) for layer in range(offloaded))
    return (len(shares),) * first + placed + (len(shares),) * behind


def _first_above(ends: Sequence[float], position: float, last: int) -> int:
    return next((device for device, end in enumerate(ends) if end > position), last)


def _single(value: float) -> float:
    """The value as a C float."""
    single: float = struct.unpack("f", struct.pack("f", value))[0]
    return single
