"""Memory on each card that none of llama.cpp's own lines show.

- driver: an idle card already reports 182 to 184 MiB used (llama.cpp #25487, #16653: MI50 32752 total, 32570 free).
- libraries: each rocBLAS handle allocates 32 MiB of workspace.
- pool: scratch of matrix products and of attention (`scratch.py`), taken while the first prompt is computed.
- rounding: in row split every matrix is its own allocation of 2 MiB blocks (`row_split.py`).
- copies: since June 2026 flash attention over a quantised cache keeps it as halves in the compute buffer, on CUDA and
  HIP alone (`compute.py`); the only part that depends on the context, so `plan.py` adds it.
- remainder: code objects, queues and their scratch, page tables, fragmentation: one calibrated constant for each kind
  of build, `REMAINDER_MIB`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from rocmox.engines.llamacpp.memory.cards import CardMemory
from rocmox.engines.llamacpp.memory.model import Model
from rocmox.engines.llamacpp.memory.row_split import row_weights
from rocmox.engines.llamacpp.memory.scratch import Scratch
from rocmox.engines.llamacpp.memory.settings import Settings

_MIB = 1 << 20
_DRIVER_BYTES = 184 * _MIB
_UNKNOWN_DRIVER_BYTES = 512 * _MIB  # a card given by its size alone: a CUDA context and its libraries hold 300 to 600
_HANDLE_BYTES = 32 * _MIB

# Calibrated on the twelve published rows of three MI50, one for each kind of build; nothing per model or per row.
# Their bounds: row+cublas 314 to 782 (640 to 782 if flash attention was on), layer+cublas at most 178. Row split has up
# to 12 streams on each GPU. For builds without forced cuBLAS nothing is published; theirs make the whole overhead what
# owners leave free in practice, 450 to 500 MiB.
REMAINDER_MIB = {"row+cublas": 680, "row": 450, "layer+cublas": 100, "layer": 200}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Overhead:
    """Bytes on one device."""

    driver_bytes: int
    library_bytes: int
    pool_bytes: int
    rounding_bytes: int
    remainder_bytes: int
    copies_bytes: int = 0

    @property
    def total_bytes(self) -> int:
        """All of it."""
        fixed = self.driver_bytes + self.library_bytes + self.rounding_bytes + self.remainder_bytes
        return fixed + self.pool_bytes + self.copies_bytes


def measure_overhead(
    model: Model,
    settings: Settings,
    scratch: Scratch,
    *,
    cards: Sequence[CardMemory],
    places: tuple[int, ...],
    shares: Sequence[float],
    uses_cublas: bool,
) -> list[Overhead]:
    """For each device, after one prompt of a full micro batch, which took `scratch`."""
    devices = len(shares)
    row = settings.split == "row"
    rounding = row_weights(model, places=places, shares=shares).rounding_bytes if row else (0,) * devices
    kind = ("row" if row else "layer") + ("+cublas" if uses_cublas else "")
    return [
        Overhead(
            driver_bytes=_DRIVER_BYTES if cards[device].architecture else _UNKNOWN_DRIVER_BYTES,
            library_bytes=_HANDLE_BYTES * (len(set(places)) if row else 1),
            pool_bytes=scratch.total_bytes(device),
            rounding_bytes=rounding[device],
            remainder_bytes=REMAINDER_MIB[kind] * _MIB,
        )
        for device in range(devices)
    ]
