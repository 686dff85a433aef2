"""`gpu_metrics` in binary: struct gpu_metrics_v1_0 and v1_3 of the kernel's kgd_pp_interface.h, an idle card."""

from __future__ import annotations

import struct

_NOT_AVAILABLE = 0xFFFF


def idle_metrics(
    *, revision: tuple[int, int], watts: int, celsius: int, link_width: int, link_tenths_gts: int
) -> bytes:
    """One reading of an idle card; `link_tenths_gts` is the link speed in 0.1 GT/s."""
    temperatures = (celsius, celsius + 1, celsius + 2, celsius, celsius, celsius)
    clocks = (26, 309, 350, 0, 0, 0, 0)
    if revision == (1, 0):
        # header, padding, ns clock, temperatures, activity, power, energy, clocks now and average, throttle, fan, link
        body = struct.pack("<4xQ", 1_000_000_000)
        body += struct.pack("<6H3HHI", *temperatures, 0, 0, 0, watts, 0)
        body += struct.pack("<7H7HIHBB4x", *clocks, *clocks, 0, 0, link_width, link_tenths_gts)
    else:
        body = struct.pack("<6H3HHQQ", *temperatures, 0, 0, _NOT_AVAILABLE, watts, 0, 1_000_000_000)
        body += struct.pack("<7H7HIHHHxx", *clocks, *clocks, 0, 0, link_width, link_tenths_gts)
        body += struct.pack("<II4HQ3HxxQ", 0, 0, *(_NOT_AVAILABLE,) * 4, 0, *(_NOT_AVAILABLE,) * 3, 0)
    return struct.pack("<HBB", 4 + len(body), *revision) + body
