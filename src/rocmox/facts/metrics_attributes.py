"""`gpu_metrics` v1_9: a packed list of attributes, each with its own type, unit and number of values.

kgd_pp_interface.h (enum amdgpu_metrics_attr_id and AMDGPU_METRICS_ENC_ATTR) and pm/swsmu/smu_cmn.h
(DECLARE_SMU_METRICS_CLASS): header, `int attr_count`, then for each a u64 that says what follows, and the values.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from rocmox.errors import CannotLookError

_START = 8
_ENCODING = struct.Struct("<Q")
_SIZES = (1, 1, 2, 2, 4, 4, 8, 8)  # u8 s8 u16 s16 u32 s32 u64 s64
_NAMES = {0: "hotspot", 1: "mem", 3: "power", 4: "activity", 16: "width", 17: "speed"}
_WHOLE_GTS = 6  # AMDGPU_METRICS_UNIT_SPEED_1; SPEED_2 is tenths
_MOST = 1000


def parse_attributes(content: bytes) -> dict[str, int | None]:
    """The fields that rocmox knows, speed in tenths of GT/s; None where all bits are set, which means not available."""
    values: dict[str, int | None] = {}
    for name, unit, raw in _attributes(content):
        value = None if raw == b"\xff" * len(raw) else int.from_bytes(raw, "little")
        values[name] = value * 10 if name == "speed" and unit == _WHOLE_GTS and value is not None else value
    return values


def _attributes(content: bytes) -> Iterator[tuple[str, int, bytes]]:
    """(name, unit, first value) of each known attribute; CannotLookError when the list ends before its count."""
    if len(content) < _START:
        raise CannotLookError(f"gpu_metrics v1_9: {len(content)} bytes hold no count")
    (count,) = struct.unpack_from("<i", content, 4)
    position = _START
    for _ in range(min(count, _MOST)):
        if len(content) < position + _ENCODING.size:
            raise CannotLookError(f"gpu_metrics v1_9: {len(content)} bytes end before attribute {count}")
        (code,) = _ENCODING.unpack_from(content, position)
        position += _ENCODING.size
        unit, kind, identity, instances = code >> 24 & 0xFF, code >> 20 & 0xF, code >> 10 & 0x3FF, code & 0x3FF
        if kind >= len(_SIZES):
            raise CannotLookError(f"gpu_metrics v1_9: attribute {identity} has the unknown type {kind}")
        raw = content[position : position + _SIZES[kind]]
        position += _SIZES[kind] * instances
        if identity in _NAMES and instances and len(raw) == _SIZES[kind]:
            yield _NAMES[identity], unit, raw
