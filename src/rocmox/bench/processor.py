"""What a processor can do at most: a copy is timed, operations follow from clock and vector lanes."""

from __future__ import annotations

import re

from rocmox.errors import CommandError
from rocmox.machine import Machine

# Copies 256 MiB a few times; a copy reads and writes every byte. Prints bytes per second of the best of them.
_COPY = """
import ctypes, time
size = 256 << 20
a, b = ctypes.create_string_buffer(size), ctypes.create_string_buffer(size)
ctypes.memmove(a, b, size)
best = float("inf")
for _ in range(5):
    begin = time.perf_counter()
    ctypes.memmove(b, a, size)
    best = min(best, time.perf_counter() - begin)
print(2 * size / best)
"""
# Single-precision lanes of the widest vector unit; a fused multiply-add counts two operations, cores have two units.
_LANES = (("avx512f", 16), ("avx2", 8), ("avx", 4), ("asimd", 4))


def measure_memory(machine: Machine) -> float | None:
    """Bytes a second; None when the machine has no Python."""
    try:
        return float(machine.run(["python3", "-c", _COPY]).check().stdout)
    except (CommandError, ValueError):
        return None


def parse_operations(cpuinfo: str) -> float | None:
    """Operations a second at the clock that `/proc/cpuinfo` shows; None when it shows none."""
    clocks = [float(value) for value in re.findall(r"^cpu MHz\s*: ([\d.]+)", cpuinfo, re.MULTILINE)]
    flags = re.search(r"^(?:flags|Features)\s*: (.*)$", cpuinfo, re.MULTILINE)
    if not clocks or not flags:
        return None
    words = set(flags[1].split())
    lanes = next((count for name, count in _LANES if name in words), 1)
    return sum(clocks) * 1e6 * lanes * 2 * 2


def read_operations(machine: Machine) -> float | None:
    """From `/proc/cpuinfo`."""
    try:
        return parse_operations(machine.read_bytes("/proc/cpuinfo").decode(errors="replace"))
    except OSError:
        return None
