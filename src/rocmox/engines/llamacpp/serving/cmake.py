"""CMake's options for a build of this version, backend and processor.

Part of plan_role.py. The build key is made of them, so their order is fixed.
"""

from collections.abc import Sequence
from typing import Any

from rocmox.engines.llamacpp.build_numbers import GGML_FOLDER, GGML_HIP, SERVER_IN_TOOLS
from rocmox.engines.llamacpp.serving.instances import is_on

Settings = dict[str, Any]

# Instruction sets by name instead of -march=native: the build key sees them, ccache's results travel between guests.
INSTRUCTION_SETS = {"SSE42": "sse4_2", "AVX": "avx", "AVX2": "avx2", "BMI2": "bmi2", "FMA": "fma", "F16C": "f16c"}
# Models come by the role with a checksum, never by llama-server itself (curl: b5064 …, openssl: 2026 …); 2026's build
# would download its web page, and Open WebUI is the page here; ccache comes in by the compiler launchers of build.sh.
OFF = ("LLAMA_CURL", "LLAMA_OPENSSL", "LLAMA_BUILD_UI", "LLAMA_USE_PREBUILT_UI", "GGML_CCACHE")


def options(
    settings: Settings, *, build_number: int, programs: Sequence[str], cpu_flags: Sequence[str], force_cublas: bool
) -> list[str]:
    """`NAME=VALUE`, the user's own last."""
    tests = any(name.startswith("test-") for name in programs)
    return [
        "CMAKE_BUILD_TYPE=Release",
        # One file per program: nothing to relocate, and an old build stays whole when a new one arrives.
        "BUILD_SHARED_LIBS=OFF",
        f"LLAMA_BUILD_NUMBER={build_number}",
        f"LLAMA_BUILD_COMMIT={(settings['commit'] or settings['archive_sha256'])[:8]}",
        f"LLAMA_BUILD_TESTS={on_off(tests)}",
        f"LLAMA_BUILD_EXAMPLES={on_off(build_number < SERVER_IN_TOOLS)}",
        *(f"{name}=OFF" for name in OFF),
        f"GGML_NATIVE={on_off(is_on(settings['native']))}",
        *(f"GGML_{name}={on_off(flag in cpu_flags)}" for name, flag in INSTRUCTION_SETS.items()),
        *backend_options(settings, build_number, force_cublas=force_cublas),
        *map(str, settings["cmake_options"]),
    ]


def backend_options(settings: Settings, build_number: int, *, force_cublas: bool) -> list[str]:
    """What the backend asks for; the three names of the targets cover every release."""
    if settings["backend"] == "vulkan":
        return [f"{'GGML' if build_number >= GGML_FOLDER else 'LLAMA'}_VULKAN=ON"]
    if settings["backend"] != "hip":
        return []
    targets = ";".join(map(str, settings["gpu_targets"]))
    return [
        f"{'GGML_HIP' if build_number >= GGML_HIP else 'GGML_HIPBLAS'}=ON",
        *(f"{name}={targets}" for name in ("AMDGPU_TARGETS", "GPU_TARGETS", "CMAKE_HIP_ARCHITECTURES")),
        f"GGML_CUDA_FORCE_CUBLAS={on_off(force_cublas)}",
        f"GGML_CUDA_NO_PEER_COPY={on_off(not is_on(settings['peer_copy']))}",
    ]


def on_off(value: bool) -> str:  # noqa: FBT001 - the value is all there is
    """CMake's words."""
    return "ON" if value else "OFF"
