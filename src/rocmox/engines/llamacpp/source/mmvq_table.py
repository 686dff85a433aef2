"""mmvq.cu from b4873 (#12177) on: `calc_nwarps` and `calc_rows_per_block`, constexpr for host and device alike.

Upstream's table `MMVQ_PARAMETERS_GCN` serves GCN and CDNA; the patch asks its own functions for that table first.
Signatures grew in #19478 (type), #20635 (`small_k`) and #26843 (`halve_iters`); the GCN branch stayed as it was.
"""

from __future__ import annotations

import re

from rocmox.engines.llamacpp.source.edits import Edit, region
from rocmox.engines.llamacpp.source.geometry import Geometry
from rocmox.engines.llamacpp.source.mmvq_code import geometry_functions, pick, pick_macro

STOCK = Geometry(nwarps=(2, 2, 2, 2, 1, 1, 1, 1), rows=(1, 2, 2, 2, 2, 2, 2, 2))
WARP_SIZE = 64

_NWARPS = (
    r"static constexpr __host__ __device__ int calc_nwarps\((?:ggml_type type, +)?int (?P<columns>\w+), +"
    r"mmvq_parameter_table_id table_id[^)]*\) \{\n"
)
_ROWS = (
    r"static constexpr __host__ __device__ int calc_rows_per_block\(int (?P<columns>\w+), int table_id"
    r"(?P<small>, bool small_k = false, int nwarps = 1)?\) \{\n(?P<here>)"
    r"    if \(table_id == MMVQ_PARAMETERS_GENERIC \|\| table_id == MMVQ_PARAMETERS_GCN"
    r"(?: \|\| table_id == MMVQ_PARAMETERS_\w+)*\) \{\n"
    r"        switch \(\w+\) \{\s+case 1:\s+return (?:small_k \? nwarps : )?1;"
    r"\s+case 2:\s+case 3:\s+case 4:\s+case 5:\s+case 6:\s+case 7:\s+case 8:\s+return 2;"
    r"\s+default:\s+return 1;\s+\}"
)
_GCN_BRANCH = (
    r"else if \(table_id == MMVQ_PARAMETERS_GCN\) \{\s+switch \(\w+\) \{"
    r"\s+case 1:\s+case 2:\s+case 3:\s+case 4:\s+return 2;"
    r"\s+case 5:\s+case 6:\s+case 7:\s+case 8:\s+default:\s+return 1;\s+\}"
)
_ARGUMENTS = r"\((?:type, )?ncols_\w+, "
# Who asks the functions: a file whose kernel or launch has a geometry of its own is another one.
_ANCHORS = {
    "GCN branch of calc_nwarps": _GCN_BRANCH,
    "table of the device": r"#elif [^\n]*\bdefined\(GCN\)[^\n]*\n\s+return MMVQ_PARAMETERS_GCN;",
    "table of the host": r"if \([^\n]*\bGGML_CUDA_CC_IS_GCN\(cc\)[^\n]*\) \{\s+return MMVQ_PARAMETERS_GCN;",
    "launch bounds": rf"__launch_bounds__\(calc_nwarps{_ARGUMENTS}get_device_table_id\(\)",
    "warps of the kernel": rf"\bconstexpr int nwarps += calc_nwarps{_ARGUMENTS}table_id\b",
    "rows of the kernel": rf"\bconstexpr int rows_per_cuda_block += calc_rows_per_block{_ARGUMENTS}table_id\b",
    "blocks of the launch": rf"\b(?:rpb = |nblocks = \(nrows_x \+ )calc_rows_per_block{_ARGUMENTS}table_id\b",
    "warps of the launch": rf"\bconst int nwarps = calc_nwarps{_ARGUMENTS}table_id\b[^}}]*"
    rf"\bblock_dims\(warp_size, nwarps, 1\);|\bblock_dims\(warp_size, calc_nwarps{_ARGUMENTS}table_id\), 1\);",
}
_STATIC_WRITE_BACK = r"if \(threadIdx\.x == i && \(rows_per_cuda_block == 1"
# Arrays that a version may index by the thread: the kernel's sums and gates, and those of its MoE sibling.
_THREAD_INDEXED = ("tmp[j]", "tmp_gate[j]", "tmp", "tmp_gate")


def edits(text: str, geometry: Geometry, stamp: str) -> list[Edit]:
    """What changes, and the anchors."""
    rows = re.search(_ROWS, text)
    small_k = bool(rows and rows["small"])
    columns = rows["columns"] if rows else "ncols_dst"
    unless_small = f" && !({columns} == 1 && small_k)" if small_k else ""
    return [
        Edit(
            name="calc_nwarps",
            pattern=rf"(?P<here>){_NWARPS}",
            insert=region(
                stamp, *geometry_functions(geometry), *pick_macro("defined(__gfx906__) || defined(__gfx900__)")
            ),
        ),
        Edit(
            name="calc_nwarps, first line",
            pattern=rf"{_NWARPS}(?P<here>)",
            insert=_early_return("nwarps", columns, ""),
        ),
        Edit(name="calc_rows_per_block", pattern=_ROWS, insert=_early_return("rows", columns, unless_small)),
        *(Edit(name=name, pattern=pattern) for name, pattern in _ANCHORS.items()),
        *_write_back(text),
    ]


def has_gate(text: str) -> bool:
    """Whether the kernel adds up a gate beside the product (#16715): its local memory doubles."""
    return "tmp_shared_gate" in text


def _early_return(name: str, columns: str, condition: str) -> str:
    return region(
        f"    if (table_id == MMVQ_PARAMETERS_GCN{condition}) {{",
        f"        return rocmox_mmvq_{name}({columns});",
        "    }",
    )


def _write_back(text: str) -> list[Edit]:
    """Every index by the thread in a final store; a version that has none has upstream's own cure (#25445)."""
    found = [
        Edit(
            name=f"write-back of {array}",
            pattern=rf"= (?P<here>{re.escape(array)}\[threadIdx\.x\]);",
            replace=pick(array),
        )
        for array in _THREAD_INDEXED
        if re.search(rf"= {re.escape(array)}\[threadIdx\.x\];", text)
    ]
    if any("[j]" in (edit.replace or "") for edit in found):
        return found
    return [*found, Edit(name="static write-back", pattern=_STATIC_WRITE_BACK)]
