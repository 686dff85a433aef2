"""`gpu_metrics`: the power controller's own report in binary (drivers/gpu/drm/amd/include/kgd_pp_interface.h).

A header names size, format and content revision; every revision has fields at places of its own. What a revision does
not have, or marks as not available by all bits set, is None.
"""

from __future__ import annotations

import dataclasses
import struct

from rocmox.errors import CannotLookError
from rocmox.facts.metrics_attributes import parse_attributes
from rocmox.facts.reading import why
from rocmox.facts.throttle import INDEPENDENT, VEGA20, names_of
from rocmox.machine.base import Machine

_HEADER = struct.Struct("<HBB")
_ATTRIBUTES = (1, 9)  # a list in place of fields at fixed places
_ALL_SET = {"H": 0xFFFF, "B": 0xFF, "I": 0xFFFFFFFF, "Q": 0xFFFFFFFFFFFFFFFF}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Layout:
    """Size of a revision and its fields: name → (struct code, offset). `centi` holds fields in hundredths."""

    size: int
    fields: dict[str, tuple[str, int]]
    centi: frozenset[str] = frozenset()


@dataclasses.dataclass(frozen=True, kw_only=True)
class GpuMetrics:
    """One reading. Temperatures in °C, power in watts, activity in percent, link speed in GT/s.

    `throttlers` names what holds the card back now, None where the revision cannot tell (it accumulates instead).
    """

    revision: tuple[int, int]
    edge_celsius: int | None
    hotspot_celsius: int | None
    memory_celsius: int | None
    socket_watts: int | None
    activity_percent: int | None
    link_width: int | None
    link_speed_gts: float | None
    throttle_status: int | None
    throttlers: tuple[str, ...] | None


_VEGA = {"edge": ("H", 16), "hotspot": ("H", 18), "mem": ("H", 20), "activity": ("H", 28), "power": ("H", 34)}
_DGPU_FRONT = {"edge": ("H", 4), "hotspot": ("H", 6), "mem": ("H", 8), "activity": ("H", 16), "power": ("H", 22)}
_DGPU = {**_DGPU_FRONT, "throttle": ("I", 68), "width": ("H", 74), "speed": ("H", 76)}
_OAM = {"hotspot": ("H", 4), "mem": ("H", 6), "power": ("H", 10), "activity": ("H", 12)}
# The unit of an integrated GPU's power differs between revisions, so it is left out.
_APU = {"edge": ("H", 4), "activity": ("H", 28), "throttle": ("I", 108)}
_LAYOUTS = {
    (1, 0): Layout(
        size=80,
        fields={**_VEGA, "throttle": ("I", 68), "width": ("B", 74), "speed": ("B", 75)},
    ),
    (1, 1): Layout(size=96, fields=_DGPU),
    (1, 2): Layout(size=104, fields=_DGPU),
    (1, 3): Layout(size=120, fields={**_DGPU, "independent": ("Q", 112)}),
    (1, 4): Layout(size=288, fields={**_OAM, "throttle": ("I", 40), "width": ("H", 48), "speed": ("H", 50)}),
    (1, 5): Layout(size=360, fields={**_OAM, "throttle": ("I", 104), "width": ("H", 112), "speed": ("H", 114)}),
    (1, 6): Layout(size=1664, fields={**_OAM, "width": ("H", 60), "speed": ("H", 62)}),
    (1, 7): Layout(size=2208, fields={**_OAM, "width": ("H", 68), "speed": ("H", 70)}),
    (1, 8): Layout(size=3360, fields={**_OAM, "width": ("H", 68), "speed": ("H", 70)}),
    (2, 0): Layout(size=120, fields={"edge": ("H", 16), "activity": ("H", 40), "throttle": ("I", 112)}),
    (2, 1): Layout(size=120, fields=_APU),
    (2, 2): Layout(size=128, fields={**_APU, "independent": ("Q", 120)}),
    (2, 3): Layout(size=152, fields={**_APU, "independent": ("Q", 120)}),
    (2, 4): Layout(size=168, fields={**_APU, "independent": ("Q", 120)}, centi=frozenset({"edge", "activity"})),
    (3, 0): Layout(size=256, fields={"edge": ("H", 4), "activity": ("H", 42)}, centi=frozenset({"edge"})),
}


def parse_metrics(content: bytes, *, vega20: bool = True) -> GpuMetrics:
    """One reading; CannotLookError when it is cut short or of a revision that is not in the table.

    `vega20`: the bits of a v1_0 report are Vega 20's (the only card with an HBM that still reports this revision).
    """
    if len(content) < _HEADER.size:
        raise CannotLookError(f"gpu_metrics: {len(content)} bytes are not a header")
    size, form, revision = _HEADER.unpack_from(content)
    if (form, revision) == _ATTRIBUTES:
        return _report((form, revision), parse_attributes(content), vega20=vega20)
    layout = _LAYOUTS.get((form, revision))
    if layout is None:
        raise CannotLookError(f"gpu_metrics: revision v{form}_{revision} is not in the table")
    furthest = max(offset + struct.calcsize(code) for code, offset in layout.fields.values())
    if len(content) < furthest or size < furthest:
        raise CannotLookError(f"gpu_metrics v{form}_{revision}: {len(content)} bytes, {layout.size} expected")
    values = {name: _field(content, *place) for name, place in layout.fields.items()}
    for name in layout.centi:
        if (value := values.get(name)) is not None:
            values[name] = value // 100
    return _report((form, revision), values, vega20=vega20)


def read_metrics(machine: Machine, address: str) -> GpuMetrics:
    """The card's reading now; CannotLookError with the kernel's reason."""
    path = f"/sys/bus/pci/devices/{address}/gpu_metrics"
    try:
        return parse_metrics(machine.read_bytes(path))
    except OSError as error:
        raise CannotLookError(f"{path}: {why(error)}") from error


def _report(revision: tuple[int, int], values: dict[str, int | None], *, vega20: bool) -> GpuMetrics:
    independent, own = values.get("independent"), values.get("throttle")
    throttlers: tuple[str, ...] | None = None
    if independent is not None:
        throttlers = names_of(independent, INDEPENDENT)
    elif own == 0:
        throttlers = ()
    elif own is not None and revision == (1, 0) and vega20:
        throttlers = names_of(own, VEGA20)
    speed = values.get("speed")
    return GpuMetrics(
        revision=revision,
        edge_celsius=values.get("edge"),
        hotspot_celsius=values.get("hotspot"),
        memory_celsius=values.get("mem"),
        socket_watts=values.get("power"),
        activity_percent=values.get("activity"),
        link_width=values.get("width"),
        link_speed_gts=None if speed is None else speed / 10,
        throttle_status=own if independent is None else independent,
        throttlers=throttlers,
    )


def _field(content: bytes, code: str, offset: int) -> int | None:
    (value,) = struct.unpack_from(f"<{code}", content, offset)
    return None if value == _ALL_SET[code] else int(value)
