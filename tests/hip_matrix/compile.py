"""Compiling mmvq.cu for a GPU that is not here, with clang's HIP mode, and what the compiler says of each kernel."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from pathlib import Path

from rocmox.machine import LocalMachine
from rocmox_lab.debian_packages import unpack
from tests.hip_matrix.sources import cache

CLANG = "clang++-19"
# HIP 5.7 and its headers from Debian 13; its bitcode is of LLVM 17, which clang 19 reads.
_SUITE = "trixie"
_PACKAGES = ("libamdhip64-dev", "rocm-device-libs-17", "librocblas-dev", "libhipblas-dev")
_BITCODE = "usr/lib/llvm-17/lib/clang/17/amdgcn/bitcode"
_TIMEOUT_SECONDS = 1200
_NAME = re.compile(r"remark: Function Name: (\S+)")
_FIGURES = {
    "vgprs": re.compile(r"remark: +VGPRs: (\d+)"),
    "scratch_bytes": re.compile(r"remark: +ScratchSize \[bytes/lane\]: (\d+)"),
    "occupancy_waves": re.compile(r"remark: +Occupancy \[waves/SIMD\]: (\d+)"),
}
# _ZL13mul_mat_vec_qIL9ggml_type12ELi4E...: the type and, where the kernel has them, the number of columns.
_TEMPLATE = re.compile(r"(mul_mat_vec_q(?:_moe)?)IL9ggml_type(\d+)E(?:Li(\d+)E)?")
_MATRIX_QUANTS = frozenset({2, 3, 6, 7, 8, 10, 11, 12, 13, 14})  # Q4_0 … Q8_0 and Q2_K … Q6_K in ggml.h


@dataclasses.dataclass(frozen=True, kw_only=True)
class Kernel:
    """What `-Rpass-analysis=kernel-resource-usage` says of one kernel."""

    name: str
    vgprs: int
    scratch_bytes: int
    occupancy_waves: int

    @property
    def is_legacy_or_k_quant(self) -> bool:
        """Whether it multiplies Q4_0 … Q8_0 or Q2_K … Q6_K."""
        found = _TEMPLATE.search(self.name)
        return found is not None and int(found[2]) in _MATRIX_QUANTS

    @property
    def is_single_column(self) -> bool:
        """Whether it is the kernel of single-stream decoding."""
        found = _TEMPLATE.search(self.name)
        return found is not None and found[1] == "mul_mat_vec_q" and found[3] == "1"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Compiled:
    """A code object and its kernels by mangled name."""

    code: bytes
    kernels: dict[str, Kernel]


def hip_root() -> Path:
    """Headers and device bitcode of HIP, unpacked into the cache."""
    return unpack(LocalMachine(), suite=_SUITE, names=_PACKAGES, cache=cache())


def common_flags(ggml: Path) -> list[str]:
    """What every compilation of ggml-cuda takes here; `ggml` is the tree's folder of that name."""
    root = hip_root()
    return [
        *("-x", "hip", "-std=gnu++17", "-D__HIP_PLATFORM_AMD__", "-DGGML_USE_HIP", "-DGGML_USE_HIPBLAS"),
        *('-DGGML_COMMIT="x"', '-DGGML_VERSION="x"', "-fuse-cuid=none", "-Wno-everything"),
        *(f"--rocm-path={root}/usr", f"--rocm-device-lib-path={root / _BITCODE}", "-isystem", f"{root}/usr/include"),
        *(f"-I{ggml}/include", f"-I{ggml}/src", f"-I{ggml}/src/ggml-cuda"),
    ]


def compile_for(architecture: str, text: str, *, tree: Path, work: Path) -> Compiled:
    """The device code of a mmvq.cu text within a tree; CommandError with the compiler's words when it fails."""
    options = ("--no-gpu-bundle-output", "-Rpass-analysis=kernel-resource-usage", "-c")
    target, remarks = _run_clang(architecture, text, options, tree=tree, work=work)
    return Compiled(code=target.read_bytes(), kernels=parse_remarks(remarks))


def intermediate_code(architecture: str, text: str, *, tree: Path, work: Path) -> bytes:
    """What the compiler's optimiser and code generator are given: where it is the same, so is the machine code.

    It takes a third of the time of `compile_for`, and holds for every later compiler and its flags.
    """
    options = ("-S", "-emit-llvm", "-Xclang", "-disable-llvm-passes")
    return _run_clang(architecture, text, options, tree=tree, work=work)[0].read_bytes()


def _run_clang(architecture: str, text: str, options: Sequence[str], *, tree: Path, work: Path) -> tuple[Path, str]:
    work.mkdir(parents=True, exist_ok=True)
    source, target = work / "mmvq.cu", work / f"mmvq-{architecture}"
    source.write_text(text, encoding="utf-8")
    # The source is named without its folder, which would stand in the output.
    argv = [CLANG, *common_flags(tree / "ggml"), "--cuda-device-only", f"--offload-arch={architecture}", "-O3"]
    argv = ["nice", *argv, *options, source.name, "-o", str(target)]
    done = LocalMachine().run(["env", "-C", str(work), *argv], timeout_seconds=_TIMEOUT_SECONDS).check()
    return target, done.stderr


def parse_remarks(text: str) -> dict[str, Kernel]:
    """Kernels by mangled name, from the compiler's remarks."""
    kernels = {}
    for block in re.split(r"(?=\S+ remark: Function Name: )", text):
        name = _NAME.search(block)
        figures = {key: pattern.search(block) for key, pattern in _FIGURES.items()}
        if name and all(figures.values()):
            values = {key: int(found[1]) for key, found in figures.items() if found}
            kernels[name[1]] = Kernel(name=name[1], **values)
    return kernels
