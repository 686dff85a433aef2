"""Executing mmvq.cu without a GPU: compiled for the CPU by `emulate.cpp`, launches included."""

from __future__ import annotations

import re
from pathlib import Path

from rocmox.machine import LocalMachine
from tests.hip_matrix.compile import CLANG, common_flags

_TIMEOUT_SECONDS = 1200
_SEED = 1
# Quants that ggml has earlier than mmvq.cu; the others are in every listed version.
_LATER_QUANTS = ("MXFP4", "NVFP4", "Q1_0", "Q2_0")
_FUSION = re.compile(r"ggml_cuda_mm_fusion_args_device +(\w+)\{\};")
# Widths of a row of weights (multiples of 256 that leave warps a ragged end), and rows (the last block is not full).
# At the first width 2026's versions take their kernels for small matrices, at the second the usual ones.
_SHAPES = ((1280, 5), (2304, 3))

Results = dict[tuple[str, int], tuple[float, ...]]
"""(quant, or quant+gate, and number of columns) → the products of every shape."""


def run(text: str, *, tree: Path, work: Path) -> Results:
    """Every quant times 1 to 8 columns through a mmvq.cu text within a tree."""
    program = _build(text, tree / "ggml", work)
    argv = ["nice", str(program), str(_SEED), *(str(number) for shape in _SHAPES for number in shape)]
    done = LocalMachine().run(argv, timeout_seconds=_TIMEOUT_SECONDS).check()
    results: Results = {}
    for name, columns, *values in (line.split() for line in done.stdout.splitlines()):
        key = (name, int(columns))
        results[key] = results.get(key, ()) + tuple(map(float.fromhex, values))
    return results


def _build(text: str, ggml: Path, work: Path) -> Path:
    work.mkdir(parents=True, exist_ok=True)
    (work / "mmvq-launches.cu").write_text(hand_over_gate(rewrite_launches(text)), encoding="utf-8")
    program, objects = work / "emulate", work / "emulate.o"
    argv = [CLANG, *common_flags(ggml), "--cuda-host-only", "-nogpulib", "--offload-arch=gfx906"]
    argv += ["-D__gfx906__", "-D__GFX9__", f'-DMMVQ="{work / "mmvq-launches.cu"}"', "-O0", "-ffp-contract=off"]
    argv += ["-DHAS_GATE"] if _FUSION.search(text) else []
    argv += [f"-DHAS_{quant}" for quant in _LATER_QUANTS if f"case GGML_TYPE_{quant}:" in text]
    source = str(Path(__file__).with_name("emulate.cpp"))
    machine = LocalMachine()
    machine.run(["nice", *argv, "-c", source, "-o", str(objects)], timeout_seconds=_TIMEOUT_SECONDS).check()
    # What mmvq.cu can call and these runs never reach (buffers, streams, aborts) stays unresolved.
    link = [CLANG, "-no-pie", str(objects), "-Wl,--unresolved-symbols=ignore-all", "-o", str(program)]
    machine.run(link, timeout_seconds=_TIMEOUT_SECONDS).check()
    return program


def rewrite_launches(text: str) -> str:
    """`kernel<…><<<grid, block, shared, stream>>>(…);` becomes a macro of `emulate.cpp` with the same arguments."""
    launch = re.compile(r"(\w+<[\w, ]+>)<<<([^;]*?)>>>\s*(\([^;]*\));")
    return launch.sub(r"ROCMOX_LAUNCH(\2, \1\3);", text)


def hand_over_gate(text: str) -> str:
    """Where upstream's way in makes empty arguments of a gate, `emulate.cpp` may fill them."""
    return _FUSION.sub(r"\g<0> EMULATE_GATE(\1)", text)
