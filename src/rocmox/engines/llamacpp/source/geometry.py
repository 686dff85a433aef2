"""The launch geometry of `mul_mat_vec_q`: warps and rows of a block for each number of columns (1 to 8)."""

from __future__ import annotations

import dataclasses

from rocmox.errors import UsageError

COLUMNS = 8
"""`MMVQ_MAX_BATCH_SIZE` of ggml-cuda/mmvq.cuh: kernels exist for 1 to 8 columns."""

_LDS_BYTES = 64 * 1024
"""What a block may hold of local memory on every GCN GPU."""
_BLOCK_THREADS = 1024
_FLOAT_BYTES = 4


@dataclasses.dataclass(frozen=True, kw_only=True)
class Geometry:
    """`nwarps[n - 1]` warps and `rows[n - 1]` rows of a block when n columns are multiplied."""

    nwarps: tuple[int, ...]
    rows: tuple[int, ...]

    def text(self) -> str:
        """As the stamp in a patched file spells it."""
        return f"nwarps={','.join(map(str, self.nwarps))} rows={','.join(map(str, self.rows))}"


def parse_columns(text: str, *, option: str) -> tuple[int, ...]:
    """`2` for all columns, or eight numbers for 1 to 8 columns (`4,4,4,4,2,2,2,2`); UsageError names the option."""
    words = text.split(",")
    if not all(word.strip().isdecimal() for word in words) or len(words) not in {1, COLUMNS}:
        raise UsageError(
            f"{option} {text!r} is neither one whole number nor eight with commas between",
            remedy=f"`{option} 2` means every column count; `{option} 4,4,4,4,2,2,2,2` names 1 to 8 columns in turn.",
        )
    numbers = tuple(int(word) for word in words)
    return numbers * COLUMNS if len(numbers) == 1 else numbers


def check(geometry: Geometry, *, warp_size: int, buffers: int) -> None:
    """UsageError when a block of this geometry cannot be launched.

    `warp_size` is the width that the source counts a warp with (32 before b4873, 64 from it on, for GCN). Between its
    warps a block adds up through `tmp_shared[nwarps - 1][columns][rows][warp_size]`. `buffers` is 2 for a source that
    knows gates: its kernels of one column hold that twice, and those for small matrices take as many rows as warps.
    """
    for columns, (nwarps, rows) in enumerate(zip(geometry.nwarps, geometry.rows, strict=True), start=1):
        where = f"{columns} column{'s' if columns > 1 else ''}"
        if nwarps < 1 or nwarps * warp_size > _BLOCK_THREADS:
            raise UsageError(
                f"--nwarps {nwarps} for {where}: a block has between 1 and {_BLOCK_THREADS} threads, "
                f"and this source counts {warp_size} threads to a warp",
                remedy=f"Use 1 to {_BLOCK_THREADS // warp_size}.",
            )
        if rows < 1 or rows > warp_size:
            raise UsageError(
                f"--rows {rows} for {where}: each row is written by a thread of its own in one warp",
                remedy=f"Use 1 to {warp_size}; 1 keeps registers free.",
            )
        gated = buffers > 1 and columns == 1
        most_rows = max(rows, nwarps) if gated else rows
        shared_bytes = max(nwarps - 1, 1) * columns * most_rows * warp_size * _FLOAT_BYTES * (buffers if gated else 1)
        if shared_bytes > _LDS_BYTES:
            raise UsageError(
                f"--nwarps {nwarps} with --rows {rows} for {where} needs {shared_bytes // 1024} KiB of local memory"
                f"{', where it takes as many rows as warps,' if most_rows > rows else ','} "
                f"and a block has {_LDS_BYTES // 1024} KiB",
                remedy="Use fewer warps or fewer rows.",
            )
