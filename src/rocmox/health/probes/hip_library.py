"""libamdhip64 by ctypes: the calls the probes need, for ROCm 5, 6 and 7. Travels to the machine under test.

A prototype is its C text; ctypes' types come from it. `tests/unit/health/probes/test_hip_headers.py` compiles both
against HIP's own headers. No structure is used (hipDeviceProp_t differs between ROCm 5 and 6), and no attribute number.
"""

from __future__ import annotations

import ctypes
import os
import pathlib
from typing import Any

C_TYPES: dict[str, Any] = {
    "hipError_t": ctypes.c_int,
    "hipMemcpyKind": ctypes.c_int,
    "hipStream_t": ctypes.c_void_p,
    "hipEvent_t": ctypes.c_void_p,
    "hipStream_t *": ctypes.POINTER(ctypes.c_void_p),
    "hipEvent_t *": ctypes.POINTER(ctypes.c_void_p),
    "void *": ctypes.c_void_p,
    "const void *": ctypes.c_void_p,
    "void **": ctypes.POINTER(ctypes.c_void_p),
    "char *": ctypes.c_char_p,
    "const char *": ctypes.c_char_p,
    "int": ctypes.c_int,
    "int *": ctypes.POINTER(ctypes.c_int),
    "unsigned int": ctypes.c_uint,
    "size_t": ctypes.c_size_t,
    "size_t *": ctypes.POINTER(ctypes.c_size_t),
    "float *": ctypes.POINTER(ctypes.c_float),
}

_STATUS = "hipError_t"
# Name → (what it returns, what it takes).
PROTOTYPES: dict[str, tuple[str, tuple[str, ...]]] = {
    "hipGetErrorName": ("const char *", (_STATUS,)),
    "hipRuntimeGetVersion": (_STATUS, ("int *",)),
    "hipGetDeviceCount": (_STATUS, ("int *",)),
    "hipDeviceGetPCIBusId": (_STATUS, ("char *", "int", "int")),
    "hipSetDevice": (_STATUS, ("int",)),
    "hipDeviceSynchronize": (_STATUS, ()),
    "hipMemGetInfo": (_STATUS, ("size_t *", "size_t *")),
    "hipMalloc": (_STATUS, ("void **", "size_t")),
    "hipFree": (_STATUS, ("void *",)),
    "hipMemcpy": (_STATUS, ("void *", "const void *", "size_t", "hipMemcpyKind")),
    "hipMemcpyAsync": (_STATUS, ("void *", "const void *", "size_t", "hipMemcpyKind", "hipStream_t")),
    "hipMemsetAsync": (_STATUS, ("void *", "int", "size_t", "hipStream_t")),
    "hipMemcpy2DAsync": (
        _STATUS,
        ("void *", "size_t", "const void *", "size_t", "size_t", "size_t", "hipMemcpyKind", "hipStream_t"),
    ),
    "hipDeviceCanAccessPeer": (_STATUS, ("int *", "int", "int")),
    "hipDeviceEnablePeerAccess": (_STATUS, ("int", "unsigned int")),
    "hipMemcpyPeer": (_STATUS, ("void *", "int", "const void *", "int", "size_t")),
    "hipMemcpyPeerAsync": (_STATUS, ("void *", "int", "const void *", "int", "size_t", "hipStream_t")),
    "hipStreamCreateWithFlags": (_STATUS, ("hipStream_t *", "unsigned int")),
    "hipStreamSynchronize": (_STATUS, ("hipStream_t",)),
    "hipStreamDestroy": (_STATUS, ("hipStream_t",)),
    "hipEventCreateWithFlags": (_STATUS, ("hipEvent_t *", "unsigned int")),
    "hipEventRecord": (_STATUS, ("hipEvent_t", "hipStream_t")),
    "hipEventSynchronize": (_STATUS, ("hipEvent_t",)),
    "hipEventElapsedTime": (_STATUS, ("float *", "hipEvent_t", "hipEvent_t")),
    "hipEventDestroy": (_STATUS, ("hipEvent_t",)),
}

CONSTANTS = {
    "hipSuccess": 0,
    "hipErrorOutOfMemory": 2,
    "hipErrorNoDevice": 100,
    "hipErrorPeerAccessAlreadyEnabled": 704,
    "hipMemcpyHostToDevice": 1,
    "hipMemcpyDeviceToHost": 2,
    "hipMemcpyDeviceToDevice": 3,
    "hipStreamNonBlocking": 1,
    "hipEventDefault": 0,
}
SUCCESS = CONSTANTS["hipSuccess"]
OUT_OF_MEMORY = CONSTANTS["hipErrorOutOfMemory"]
NO_DEVICE = CONSTANTS["hipErrorNoDevice"]
ALREADY_ENABLED = CONSTANTS["hipErrorPeerAccessAlreadyEnabled"]
TO_DEVICE = CONSTANTS["hipMemcpyHostToDevice"]
TO_HOST = CONSTANTS["hipMemcpyDeviceToHost"]
BETWEEN_DEVICES = CONSTANTS["hipMemcpyDeviceToDevice"]

_NAME = "libamdhip64.so"
_MAJORS = (7, 6, 5)


class HipError(Exception):
    """A call that did not return hipSuccess: `call` and the error's `number` and `name`."""

    def __init__(self, call: str, number: int, name: str) -> None:
        super().__init__(f"{call} returned {name}")
        self.call = call
        self.number = number
        self.name = name


class LibraryMissingError(Exception):
    """No libamdhip64 can be loaded; the loader's reason."""


class Hip:
    """A loaded library: `hip.call("hipFree", pointer)` raises HipError unless the call returns hipSuccess."""

    def __init__(self, library: ctypes.CDLL, path: str) -> None:
        self.path = path
        self._functions = {name: _declared(library, name) for name in PROTOTYPES}

    def call(self, name: str, *arguments: Any) -> None:
        """One call; HipError with the library's own name for what it returned."""
        number = self.status(name, *arguments)
        if number != SUCCESS:
            raise HipError(name, number, self.error_name(number))

    def status(self, name: str, *arguments: Any) -> int:
        """One call; the number it returned."""
        return int(self._functions[name](*arguments))

    def error_name(self, number: int) -> str:
        """`hipErrorOutOfMemory` for 2; the number itself where the library has no name for it."""
        name = self._functions["hipGetErrorName"](number)
        return name.decode(errors="replace") if name else f"error {number}"


def load(path: str | None) -> Hip:
    """The library at `path`, else ROCm's, else the loader's; LibraryMissingError when none of them loads."""
    reasons: dict[str, list[str]] = {}
    for candidate in [path] if path else candidates():
        try:
            return Hip(ctypes.CDLL(candidate), candidate)
        except (OSError, AttributeError) as error:
            reasons.setdefault(str(error).removeprefix(f"{candidate}: "), []).append(candidate)
    raise LibraryMissingError("; ".join(f"{', '.join(names)}: {reason}" for reason, names in reasons.items()))


def candidates() -> list[str]:
    """ROCm's own places (the newest first), then the names that the loader looks for."""
    versioned = sorted(pathlib.Path("/opt").glob("rocm-*"), key=_version, reverse=True)
    places = [folder / "lib" / _NAME for folder in (pathlib.Path("/opt/rocm"), *versioned)]
    found = [str(place) for place in places if place.exists()]
    return [*found, *(f"{_NAME}.{major}" for major in _MAJORS), _NAME]


def library_path(question: dict[str, Any]) -> str | None:
    """What the question names, else `ROCMOX_HIP_LIBRARY` of the machine under test, else None."""
    return question.get("library") or os.environ.get("ROCMOX_HIP_LIBRARY") or None


def _declared(library: ctypes.CDLL, name: str) -> Any:
    function = getattr(library, name)
    returned, taken = PROTOTYPES[name]
    function.restype = C_TYPES[returned]
    function.argtypes = [C_TYPES[kind] for kind in taken]
    return function


def _version(folder: pathlib.Path) -> list[int]:
    return [int(part) for part in folder.name.removeprefix("rocm-").split(".") if part.isdecimal()]
