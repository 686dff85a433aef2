"""The C++ that the patch inserts, whatever the version."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rocmox.engines.llamacpp.source.geometry import Geometry

PICK = "ROCMOX_MMVQ_PICK"


def geometry_functions(geometry: Geometry) -> list[str]:
    """Two functions that host and device share, so that both always agree."""
    return [
        "// warps and rows of a block by the number of columns; host and device both ask here",
        *_function("nwarps", geometry.nwarps),
        *_function("rows", geometry.rows),
    ]


def _function(name: str, values: Sequence[int]) -> list[str]:
    return [
        f"static constexpr __host__ __device__ int rocmox_mmvq_{name}(const int ncols) {{",
        "    return",
        *(f"        ncols == {columns} ? {value} :" for columns, value in enumerate(values, start=1)),
        "        1;",
        "}",
    ]


def pick(array: str) -> str:
    """What stands for `array[threadIdx.x]` in a patched file; `array` is `tmp[j]` or `tmp`."""
    return f"{PICK}({array.partition('[')[0]}, {array})"


def remove_picks(text: str) -> str:
    """The text with upstream's own indices again."""
    return re.sub(rf"{PICK}\(\w+, ([a-z_\[\]]+)\)", r"\1[threadIdx.x]", text)


def pick_macro(device: str) -> list[str]:
    """`PICK(whole, part)` is `part[threadIdx.x]`, written so that `whole` stays in registers on the patched GPUs.

    An index known at run time alone makes LLVM put an array of three and more into scratch (upstream's own cure:
    #25445). One or two it keeps in registers by itself, and more sparingly: these keep their code, so that a kernel of
    one column is the very one that it was.
    """
    return [
        f"#if {device}",
        "#define ROCMOX_MMVQ_DEVICE",
        "template <int n>",
        "static __device__ __forceinline__ float rocmox_mmvq_pick(const float (&values)[n]) {",
        "    float picked = values[0];",
        "#pragma unroll",
        "    for (int i = 1; i < n; ++i) {",
        "        picked = int(threadIdx.x) == i ? values[i] : picked;",
        "    }",
        "    return picked;",
        "}",
        f"#define {PICK}(whole, part) (sizeof(whole) <= 2*sizeof(float) ? part[threadIdx.x] : rocmox_mmvq_pick(part))",
        "#else",
        f"#define {PICK}(whole, part) part[threadIdx.x]",
        f"#endif // {device}",
    ]
