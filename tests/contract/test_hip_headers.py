"""The ctypes prototypes and the stand-in against HIP's own headers of ROCm 5, 6 and 7, which Debian carries.

Every prototype becomes a C assertion, so the compiler compares; nothing here parses C.
"""

import ctypes
from pathlib import Path
from typing import Any

import pytest

from rocmox.errors import CannotLookError, CommandError
from rocmox.health.probes.hip_library import C_TYPES, CONSTANTS, PROTOTYPES
from rocmox.machine import Completed, LocalMachine
from rocmox_lab import hip
from rocmox_lab.debian_packages import unpack
from rocmox_lab.settings import cache_directory

pytestmark = [pytest.mark.network, pytest.mark.timeout(600)]

# Suite of Debian → major release of ROCm that it must hold at least. What is in experimental may go away.
SUITES = {"trixie": 5, "sid": 6, "experimental": 7}
OWN_HEADERS = Path(hip.__file__).parent / "include"
MACHINE = LocalMachine(root="/")
# What GCC's __builtin_classify_type says.
INTEGER, ENUMERATION, POINTER, REAL = 1, 3, 5, 8


@pytest.fixture(scope="module", params=SUITES)
def headers(request: pytest.FixtureRequest) -> Path:
    """The folder that holds `hip/hip_runtime_api.h` of one release."""
    suite: str = request.param
    try:
        root = unpack(MACHINE, suite=suite, names=["libamdhip64-dev"], cache=cache_directory())
    except CommandError as error:
        if suite == "experimental":
            pytest.skip(f"Debian's experimental holds no libamdhip64-dev now: {error.message.splitlines()[0]}")
        raise
    except CannotLookError as error:
        pytest.skip(f"HIP's headers cannot be had here: {error.message}")
    return root / "usr/include"


def kind_of(c_type: Any) -> set[int]:
    """How the compiler may classify the C type behind a ctypes type."""
    if c_type in {ctypes.c_void_p, ctypes.c_char_p} or hasattr(c_type, "contents"):
        return {POINTER}
    return {REAL} if c_type is ctypes.c_float else {INTEGER, ENUMERATION}


def assertions() -> str:
    lines = ["#include <stddef.h>", "#include <stdbool.h>", "#include <hip/hip_runtime_api.h>"]
    for name, (returned, taken) in PROTOTYPES.items():
        function = f"{returned} ({', '.join(taken) or 'void'})"
        lines.append(f'_Static_assert(__builtin_types_compatible_p(__typeof__({name}), {function}), "{name}");')
    for name, value in CONSTANTS.items():
        lines.append(f'_Static_assert({name} == {value}, "{name}");')
    for name, c_type in C_TYPES.items():
        kinds = " || ".join(f"__builtin_classify_type(({name})0) == {kind}" for kind in sorted(kind_of(c_type)))
        lines.append(f'_Static_assert(sizeof({name}) == {ctypes.sizeof(c_type)} && ({kinds}), "{name}");')
    return "\n".join([*lines, ""])


def compile_against(headers: Path, text: str, folder: Path) -> Completed:
    source = folder / "assertions.c"
    source.write_text(text)
    include = ["-isystem", str(headers), "-D__HIP_PLATFORM_AMD__"]
    return MACHINE.run(["cc", "-std=gnu11", "-fsyntax-only", "-Wall", *include, str(source)])


def release(headers: Path) -> int:
    text = (headers / "hip/hip_version.h").read_text()
    return int(text.partition("#define HIP_VERSION_MAJOR")[2].split()[0])


def test_the_release_is_the_one_meant(headers: Path, request: pytest.FixtureRequest) -> None:
    suite = request.node.callspec.params["headers"]
    assert release(headers) >= SUITES[suite]


def test_prototypes_constants_and_types_agree(headers: Path, tmp_path: Path) -> None:
    compile_against(headers, assertions(), tmp_path).check()


def test_the_stand_in_compiles_against_them(headers: Path, tmp_path: Path) -> None:
    library = hip.build(MACHINE, tmp_path, headers=headers)
    assert {name for name in PROTOTYPES if not hasattr(ctypes.CDLL(str(library)), name)} == set()


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("hipError_t (void *, int, size_t, hipStream_t)", "hipError_t (void *, size_t, size_t, hipStream_t)"),
        ("hipErrorNoDevice == 100", "hipErrorNoDevice == 38"),
        ("sizeof(hipError_t) == 4", "sizeof(hipError_t) == 8"),
    ],
)
def test_a_difference_does_not_compile(headers: Path, tmp_path: Path, right: str, wrong: str) -> None:
    text = assertions()
    assert right in text
    done = compile_against(headers, text.replace(right, wrong), tmp_path)
    assert done.exit_status != 0
    assert "static assertion failed" in done.stderr


def test_our_own_declarations_agree_with_the_prototypes(tmp_path: Path) -> None:
    constants = [f'_Static_assert({name} == {value}, "{name}");' for name, value in CONSTANTS.items()]
    ours = "\n".join(line for line in assertions().splitlines() if line not in constants)
    compile_against(OWN_HEADERS, ours, tmp_path).check()
