"""The C++ that the patch inserts, whatever the version."""

from __future__ import annotations

from collections.abc import Sequence

from rocmox.llamacpp.geometry import Geometry

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


def pick_macro(device: str) -> list[str]:
    """`PICK(a)` is `a[threadIdx.x]`: written so that `a` stays in registers on the patched GPUs, as it was elsewhere.

    An index known at run time alone makes LLVM put the array into scratch (upstream's own cure: #25445).
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
        f"#define {PICK}(values) rocmox_mmvq_pick(values)",
        "#else",
        f"#define {PICK}(values) values[threadIdx.x]",
        f"#endif // {device}",
    ]
