"""mmvq.cu before b4873: geometry as constants in the kernel and, once more, in a `switch` of the host.

Both must say the same. Three things make that delicate on GCN (read in ggml-cuda/{mmvq.cu,common.cuh,ggml-cuda.cu}):

* Before b4567 (#11244) the host knows a GPU as `100 * major + 10 * minor + 1000000`: 1000900 is any of gfx900, 906,
  908 and 90a, so host and device both go by the family (`__GFX9__`). From b4567 on it is `0x1000000 + 0x906`.
* HIP kernels have no launch bounds there: the compiler then assumes 1024 threads, leaves 64 registers, and spills.
* `tmp[j][threadIdx.x]` is an index that only a thread knows: LLVM puts `tmp` into scratch for it.
"""

from __future__ import annotations

from rocmox.engines.llamacpp.source.edits import Edit, region
from rocmox.engines.llamacpp.source.geometry import Geometry
from rocmox.engines.llamacpp.source.mmvq_code import geometry_functions, pick, pick_macro

STOCK = Geometry(nwarps=(4, 4, 4, 4, 2, 2, 2, 2), rows=(1, 2, 2, 2, 2, 2, 2, 2))
WARP_SIZE = 32
"""`WARP_SIZE` is 32 on every GPU in these versions: two such warps share one wave of GCN."""

_HIP = r"defined\(GGML_USE_HIP(?:BLAS)?\) && defined\(__HIP_PLATFORM_AMD__\)"
_SWITCH = (
    r"switch ?\(ncols_y\) \{\s+case 1:\s+nwarps = 4;\s+rows_per_cuda_block = 1;\s+break;"
    r"\s+case 2:\s+case 3:\s+case 4:\s+nwarps = 4;\s+rows_per_cuda_block = 2;\s+break;"
    r"\s+case 5:\s+case 6:\s+case 7:\s+case 8:\s+nwarps = 2;\s+rows_per_cuda_block = 2;\s+break;"
    r"\s+default:\s+GGML_(?:ABORT\(\"fatal error\"\)|ASSERT\(false\));\s+break;\s+\}\s+\}\s*\n"
)


def edits(geometry: Geometry, stamp: str, *, hexadecimal: bool, offset: str) -> list[Edit]:
    """What changes, and the anchors; `offset` is the macro of the AMD offset, `hexadecimal` its b4567 form."""
    if hexadecimal:
        device = "defined(__gfx906__) || defined(__gfx900__)"
        host = f"cc == {offset} + 0x906 || cc == {offset} + 0x900"
    else:
        device, host = "defined(__GFX9__)", f"cc >= {offset} + 900 && cc < {offset} + 1000"
    return [
        Edit(
            name="includes",
            pattern=r'#include "vecdotq\.cuh"\n(?P<here>)',
            insert=region(stamp, *geometry_functions(geometry), *pick_macro(device)),
        ),
        Edit(
            name="launch bounds",
            pattern=rf"#if !\({_HIP}\)\n[^\n]*\n__launch_bounds__\(\(ncols_y <= 4 \? 4 : 2\)\*WARP_SIZE, 1\)\n"
            r"#endif[^\n]*\n(?P<here>)static __global__ void mul_mat_vec_q\(",
            insert=region(
                "#if defined(ROCMOX_MMVQ_DEVICE)",
                "__launch_bounds__(rocmox_mmvq_nwarps(ncols_y)*WARP_SIZE, 1)",
                "#endif // defined(ROCMOX_MMVQ_DEVICE)",
            ),
        ),
        Edit(
            name="device constants",
            pattern=rf"#if {_HIP} && \(defined\(RDNA2\) \|\| defined\(RDNA3\)\)\n"
            r"    constexpr int nwarps +?= 1;\n    constexpr int rows_per_cuda_block = 1;\n(?P<here>)#else\n"
            r"    constexpr int nwarps +?= ncols_y <= 4 \? 4 : 2;\n"
            r"    constexpr int rows_per_cuda_block = ncols_y == 1 \? 1 : 2;\n#endif",
            insert=region(
                "#elif defined(ROCMOX_MMVQ_DEVICE)",
                "    constexpr int nwarps              = rocmox_mmvq_nwarps(ncols_y);",
                "    constexpr int rows_per_cuda_block = rocmox_mmvq_rows(ncols_y);",
            ),
        ),
        Edit(
            name="write-back",
            pattern=r"row0 \+ threadIdx\.x\] = (?P<here>tmp\[j\]\[threadIdx\.x\]);",
            replace=pick("tmp[j]"),
        ),
        Edit(
            name="host switch",
            pattern=_SWITCH + r"(?P<here>)\s*const int64_t nblocks = \(nrows_x \+ rows_per_cuda_block - 1\)"
            r"[^}]*\bblock_dims\(WARP_SIZE, nwarps, 1\);",
            insert=region(
                "    {",
                "        const int cc = ggml_cuda_info().devices[id].cc;",
                f"        if ({host}) {{",
                "            nwarps              = rocmox_mmvq_nwarps(ncols_y);",
                "            rows_per_cuda_block = rocmox_mmvq_rows(ncols_y);",
                "        }",
                "    }",
            ),
        ),
    ]
