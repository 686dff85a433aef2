"""The cache files of a KFD node, as kfd_topology.c fills them from the architecture's cache table.

A shared cache appears once per group of compute units that has at least one working unit; the harvested unit of each
Vega 20 engine sits in a group with working neighbours here, which gives 109 entries for 60 units.
"""

from __future__ import annotations

from collections.abc import Iterator

from rocmox_lab.gpus.models import CacheKind, Shape

_LINE_BYTES = 64
_BITS = 32  # one array's part of a sibling map


def cache_files(shape: Shape, first_processor: int) -> Iterator[str]:
    """The text of `caches/K/properties` for K from 0 on."""
    per_array = shape.compute_units // shape.array_count
    for kind in shape.caches:
        if not kind.shared_by:
            bits = ([1] * per_array + [0] * (_BITS - per_array)) * shape.array_count
            yield _text(kind, first_processor, bits)
            continue
        for array in range(shape.array_count):
            for first, count in _groups(kind, shape.cu_per_array, per_array):
                yield _text(kind, first_processor + array * per_array + first, [1] * count + [0] * (_BITS - count))


def _groups(kind: CacheKind, units: int, working: int) -> Iterator[tuple[int, int]]:
    """(first working unit, working units) of each group; unit 0 is the harvested one when one is missing."""
    harvested = units - working
    counted = 0
    for start in range(0, units, kind.shared_by):
        members = min(kind.shared_by, units - start)
        count = members - (harvested if start == 0 else 0)
        if count > 0:
            yield counted, count
            counted += count


def _text(kind: CacheKind, processor: int, siblings: list[int]) -> str:
    values = {
        "processor_id_low": processor,
        "level": kind.level,
        "size": kind.size_kib,
        "cache_line_size": _LINE_BYTES,
        "cache_lines_per_tag": 1,
        "association": 0,
        "latency": 0,
        "type": kind.type,
    }
    lines = [f"{key} {value}" for key, value in values.items()]
    return "\n".join([*lines, f"sibling_map {','.join(map(str, siblings))}"])
