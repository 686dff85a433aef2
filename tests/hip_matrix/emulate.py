"""Executing mmvq.cu without a GPU: compiled for the CPU by `emulate.cpp`, launches included."""

from __future__ import annotations

import re
from pathlib import Path

from rocmox.machine import LocalMachine
from tests.hip_matrix.compile import CLANG, common_flags

_TIMEOUT_SECONDS = 600
# Width of a row of weights (a multiple of 256 that leaves warps a ragged end), rows (odd: the last block is not full).
WIDTH, ROWS, SEED = 1280, 5, 1

Results = dict[tuple[str, int], tuple[float, ...]]
"""(quant, number of columns) → the product."""


def run(text: str, *, tree: Path, work: Path) -> Results:
    """Every quant times 1 to 8 columns through a mmvq.cu text within a tree."""
    program = _build(text, tree / "ggml", work)
    argv = [str(program), str(WIDTH), str(ROWS), str(SEED)]
    done = LocalMachine().run(argv, timeout_seconds=_TIMEOUT_SECONDS).check()
    lines = (line.split() for line in done.stdout.splitlines())
    return {(name, int(columns)): tuple(map(float.fromhex, values)) for name, columns, *values in lines}


def _build(text: str, ggml: Path, work: Path) -> Path:
    work.mkdir(parents=True, exist_ok=True)
    (work / "mmvq-launches.cu").write_text(rewrite_launches(text), encoding="utf-8")
    program, objects = work / "emulate", work / "emulate.o"
    argv = [CLANG, *common_flags(ggml), "--cuda-host-only", "-nogpulib", "--offload-arch=gfx906"]
    argv += ["-D__gfx906__", "-D__GFX9__", f'-DMMVQ="{work / "mmvq-launches.cu"}"', "-O0", "-ffp-contract=off"]
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
