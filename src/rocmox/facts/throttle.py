"""What the bits of a throttle status mean.

INDEPENDENT is the kernel's own numbering since Linux 5.14 (SMU_THROTTLER_… in pm/swsmu/inc/amdgpu_smu.h), VEGA20 the
power controller's (pm/powerplay/inc/vega20_smumgr.h, smu11_driver_if.h: THROTTLER_STATUS_…).
"""

from __future__ import annotations

from collections.abc import Mapping

INDEPENDENT = {
    **{bit: f"PPT{bit}" for bit in range(4)},
    **dict(zip(range(4, 8), ("SPL", "FPPT", "SPPT", "SPPT_APU"), strict=True)),
    **dict(zip(range(16, 21), ("TDC_GFX", "TDC_SOC", "TDC_MEM", "TDC_VDD", "TDC_CVIP"), strict=True)),
    21: "EDC_CPU",
    22: "EDC_GFX",
    23: "APCC",
    **dict(zip(range(32, 36), ("TEMP_GPU", "TEMP_CORE", "TEMP_MEM", "TEMP_EDGE"), strict=True)),
    **dict(zip(range(36, 40), ("TEMP_HOTSPOT", "TEMP_SOC", "TEMP_VR_GFX", "TEMP_VR_SOC"), strict=True)),
    **dict(zip(range(40, 44), ("TEMP_VR_MEM0", "TEMP_VR_MEM1", "TEMP_LIQUID0", "TEMP_LIQUID1"), strict=True)),
    **dict(zip(range(44, 48), ("VRHOT0", "VRHOT1", "PROCHOT_CPU", "PROCHOT_GFX"), strict=True)),
    56: "PPM",
    57: "FIT",
}
VEGA20 = {
    **dict(zip(range(1, 6), ("TEMP_EDGE", "TEMP_HOTSPOT", "TEMP_MEM", "TEMP_VR_GFX", "TEMP_VR_SOC"), strict=True)),
    **dict(zip(range(6, 9), ("TEMP_VR_MEM0", "TEMP_VR_MEM1", "TEMP_LIQUID0"), strict=True)),
    **dict(zip(range(9, 13), ("TEMP_PLX", "TEMP_SKIN", "TDC_GFX", "TDC_SOC"), strict=True)),
    13: "PPT0",
    14: "FIT",
    15: "PPM",
}
_BITS = 64
_THERMAL = ("TEMP_", "VRHOT", "PROCHOT")


def names_of(status: int, table: Mapping[int, str]) -> tuple[str, ...]:
    """The names of the bits that are set, lowest first; a bit without a name is `BIT_n`."""
    return tuple(table.get(bit, f"BIT_{bit}") for bit in range(_BITS) if status >> bit & 1)


def is_thermal(name: str) -> bool:
    """Whether heat is the reason, not a limit of power or current."""
    return name.startswith(_THERMAL)
