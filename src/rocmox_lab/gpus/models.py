"""What a card of a model reports, whoever owns it: constructed figures in the kernel's own spelling.

Sizes are bytes, clocks MHz, temperatures millidegrees Celsius, power microwatts.
Sources: kfd_crat.c (caches), kfd_device.c and kfd_topology.c (queues, capability), amdgpu_discovery.c (MES).
"""

from __future__ import annotations

import dataclasses

_GIB = 1 << 30
_MIB = 1 << 20


@dataclasses.dataclass(frozen=True, kw_only=True)
class CacheKind:
    """One kind of cache on a card: how big, and by how many compute units it is shared (kfd_crat.c)."""

    level: int
    type: int
    size_kib: int
    shared_by: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class Shape:
    """Shader arrays, compute units and queues of an architecture, as KFD counts them."""

    compute_units: int
    simd_per_cu: int
    array_count: int
    arrays_per_engine: int
    cu_per_array: int
    waves_per_simd: int
    wave_front_size: int
    sdma_queues: int
    cp_queues: int
    caches: tuple[CacheKind, ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Model:
    """A card as it comes from the factory."""

    name: str
    gfx_target_version: int
    kfd_name: str
    device_id: int
    subsystem_id: int
    revision: int
    switch_ids: tuple[int, int]
    vram_bytes: int
    bar_bytes: int
    vram_width_bits: int
    vram_vendor: str
    memory_clock_mhz: int
    engine_clock_mhz: int
    shape: Shape
    capability: int
    debug_prop: int
    firmware: dict[str, int]
    power_cap_max_microwatts: int
    critical_millicelsius: tuple[int, int, int]
    has_fan: bool
    metrics_revision: tuple[int, int]


_VEGA20 = Shape(
    compute_units=60,
    simd_per_cu=4,
    array_count=4,
    arrays_per_engine=1,
    cu_per_array=16,
    waves_per_simd=10,
    wave_front_size=64,
    sdma_queues=8,
    cp_queues=24,
    caches=(
        CacheKind(level=1, type=6, size_kib=16, shared_by=1),
        CacheKind(level=1, type=5, size_kib=32, shared_by=3),
        CacheKind(level=1, type=6, size_kib=16, shared_by=3),
        CacheKind(level=2, type=6, size_kib=8192, shared_by=0),
    ),
)

_NAVI31 = Shape(
    compute_units=96,
    simd_per_cu=2,
    array_count=12,
    arrays_per_engine=2,
    cu_per_array=8,
    waves_per_simd=16,
    wave_front_size=32,
    sdma_queues=6,
    cp_queues=8,
    caches=(
        CacheKind(level=1, type=6, size_kib=32, shared_by=1),
        CacheKind(level=1, type=5, size_kib=32, shared_by=2),
        CacheKind(level=1, type=6, size_kib=16, shared_by=2),
        CacheKind(level=1, type=6, size_kib=256, shared_by=8),
        CacheKind(level=2, type=6, size_kib=6144, shared_by=0),
        CacheKind(level=3, type=6, size_kib=98304, shared_by=0),
    ),
)

MI50 = Model(
    name="Instinct MI50 16 GB",
    gfx_target_version=90006,
    kfd_name="vega20",
    device_id=0x66A1,
    subsystem_id=0x0834,
    revision=0x02,
    switch_ids=(0x14A0, 0x14A1),
    vram_bytes=16 * _GIB - 16 * _MIB,
    bar_bytes=16 * _GIB,
    vram_width_bits=4096,
    vram_vendor="samsung",
    memory_clock_mhz=1000,
    engine_clock_mhz=1725,
    shape=_VEGA20,
    capability=0x2C73A280,
    debug_prop=470,
    firmware={
        "asd": 0x210000BF,
        "ce": 0x50,
        "dmcu": 0,
        "mc": 0,
        "me": 0xA7,
        "mec": 0x1D7,
        "mec2": 0x1D7,
        "pfp": 0xC2,
        "rlc": 0x35,
        "rlc_srlc": 0,
        "rlc_srlg": 0,
        "rlc_srls": 0,
        "sdma": 0x91,
        "sdma2": 0x91,
        "smc": 0x283B00,
        "sos": 0x80A67,
        "ta_ras": 0x1B00013E,
        "ta_xgmi": 0x20000012,
        "uvd": 0x42002B13,
        "vce": 0x39060400,
        "vcn": 0,
    },
    power_cap_max_microwatts=225_000_000,
    critical_millicelsius=(100_000, 105_000, 94_000),
    has_fan=False,
    metrics_revision=(1, 0),
)

W7900 = Model(
    name="Radeon PRO W7900 48 GB",
    gfx_target_version=110000,
    kfd_name="ip discovery",
    device_id=0x7448,
    subsystem_id=0x0E0D,
    revision=0x00,
    switch_ids=(0x1478, 0x1479),
    vram_bytes=48 * _GIB - 16 * _MIB,
    bar_bytes=64 * _GIB,
    vram_width_bits=384,
    vram_vendor="samsung",
    memory_clock_mhz=1249,
    engine_clock_mhz=1760,
    shape=_NAVI31,
    capability=0x2807A280,
    debug_prop=1495,
    firmware={
        "asd": 0x210000E3,
        "dmcub": 0x07002100,
        "imu": 0x0B1F4B00,
        "me": 0x9C6,
        "mec": 0x866,
        "mes": 0x54,
        "mes_kiq": 0x6C,
        "pfp": 0xA2E,
        "rlc": 0x7B,
        "sdma": 0x15,
        "smc": 0x4E8100,
        "sos": 0x310032,
        "ta_ras": 0x1B000205,
        "ta_xgmi": 0,
        "vcn": 0x0511B02D,
    },
    power_cap_max_microwatts=241_000_000,
    critical_millicelsius=(100_000, 110_000, 108_000),
    has_fan=True,
    metrics_revision=(1, 3),
)
