import struct

import pytest

from rocmox.errors import CannotLookError
from rocmox.facts.gpu_metrics import parse_metrics
from rocmox.facts.throttle import INDEPENDENT, VEGA20, is_thermal, names_of
from rocmox_lab.gpus.metrics import idle_metrics

# Revision → size, and where its temperature of the hotspot (or graphics), throttle status and link width stand:
# offsets that C lays out for struct gpu_metrics_vX_Y on x86-64 (kgd_pp_interface.h).
OFFSETS = {
    (1, 0): (80, 18, ("<I", 68), ("<B", 74)),
    (1, 1): (96, 6, ("<I", 68), ("<H", 74)),
    (1, 2): (104, 6, ("<I", 68), ("<H", 74)),
    (1, 3): (120, 6, ("<Q", 112), ("<H", 74)),
    (1, 4): (288, 4, ("<I", 40), ("<H", 48)),
    (1, 5): (360, 4, ("<I", 104), ("<H", 112)),
    (1, 6): (1664, 4, None, ("<H", 60)),
    (1, 7): (2208, 4, None, ("<H", 68)),
    (1, 8): (3360, 4, None, ("<H", 68)),
    (2, 0): (120, 16, ("<I", 112), None),
    (2, 1): (120, 4, ("<I", 108), None),
    (2, 2): (128, 4, ("<Q", 120), None),
    (2, 3): (152, 4, ("<Q", 120), None),
    (2, 4): (168, 4, ("<Q", 120), None),
    (3, 0): (256, 4, None, None),
}


@pytest.mark.parametrize("revision", OFFSETS)
def test_each_revision(revision: tuple[int, int]) -> None:
    size, hotspot, throttle, width = OFFSETS[revision]
    content = bytearray(size)
    struct.pack_into("<HBB", content, 0, size, *revision)
    scale = 100 if revision in {(2, 4), (3, 0)} else 1
    struct.pack_into("<H", content, hotspot, 55 * scale)
    if throttle:
        struct.pack_into(throttle[0], content, throttle[1], 1 << 4)
    if width:
        struct.pack_into(width[0], content, width[1], 16)
    metrics = parse_metrics(bytes(content))
    assert metrics.revision == revision
    assert (metrics.edge_celsius if revision[0] > 1 else metrics.hotspot_celsius) == 55
    assert metrics.throttle_status == (1 << 4 if throttle else None)
    assert metrics.link_width == (16 if width else None)


def test_an_idle_mi50() -> None:
    content = idle_metrics(revision=(1, 0), watts=18, celsius=34, link_width=16, link_tenths_gts=80)
    metrics = parse_metrics(content)
    assert (metrics.edge_celsius, metrics.hotspot_celsius, metrics.memory_celsius) == (34, 35, 36)
    assert (metrics.socket_watts, metrics.link_width, metrics.link_speed_gts) == (18, 16, 8.0)
    assert (metrics.throttle_status, metrics.throttlers) == (0, ())


def test_all_bits_set_is_not_available() -> None:
    metrics = parse_metrics(struct.pack("<HBB", 120, 1, 3) + b"\xff" * 116)
    assert (metrics.hotspot_celsius, metrics.throttle_status, metrics.throttlers) == (None, None, None)


@pytest.mark.parametrize(
    "content", [b"", b"\x50", struct.pack("<HBB", 120, 1, 3) + b"\0" * 50, struct.pack("<HBB", 64, 1, 10) + b"\0" * 60]
)
def test_what_is_cut_short_or_unknown_says_so(content: bytes) -> None:
    with pytest.raises(CannotLookError, match="gpu_metrics"):
        parse_metrics(content)


def attribute(unit: int, kind: int, identity: int, *values: int) -> bytes:
    code = "BbHhIiQq"[kind]
    head = struct.pack("<Q", unit << 24 | kind << 20 | identity << 10 | len(values))
    return head + struct.pack(f"<{len(values)}{code}", *values)


def test_a_list_of_attributes() -> None:
    listed = [
        attribute(2, 2, 0, 55),
        attribute(2, 2, 1, 0xFFFF),
        attribute(3, 2, 3, 140),
        attribute(10, 4, 40, 1, 2, 3, 4, 5, 6, 7, 8),
        attribute(0, 2, 16, 16),
        attribute(7, 2, 17, 320),
    ]
    content = struct.pack("<HBBi", 200, 1, 9, len(listed)) + b"".join(listed)
    metrics = parse_metrics(content)
    assert (metrics.hotspot_celsius, metrics.memory_celsius, metrics.socket_watts) == (55, None, 140)
    assert (metrics.link_width, metrics.link_speed_gts, metrics.throttlers) == (16, 32.0, None)
    whole = struct.pack("<HBBi", 24, 1, 9, 1) + attribute(6, 2, 17, 32)
    assert parse_metrics(whole).link_speed_gts == 32.0


@pytest.mark.parametrize(
    "content",
    [
        struct.pack("<HBB", 8, 1, 9),
        struct.pack("<HBBi", 8, 1, 9, 3),
        struct.pack("<HBBi", 16, 1, 9, 1) + struct.pack("<Q", 9 << 20),
    ],
)
def test_a_list_that_ends_early_says_so(content: bytes) -> None:
    with pytest.raises(CannotLookError, match="gpu_metrics v1_9"):
        parse_metrics(content)


def test_names_of_bits() -> None:
    assert names_of(1 << 2 | 1 << 13, VEGA20) == ("TEMP_HOTSPOT", "PPT0")
    assert names_of(1 << 36 | 1 << 14 | 1 << 60, INDEPENDENT) == ("BIT_14", "TEMP_HOTSPOT", "BIT_60")
    assert [is_thermal(name) for name in ("TEMP_EDGE", "VRHOT0", "PROCHOT_GFX", "PPT0", "TDC_GFX")] == [
        *(True, True, True),
        *(False, False),
    ]
