"""Weights that lie elsewhere than their layer: `--override-tensor`, `--n-cpu-moe` (common/arg.cpp).

llama.cpp searches each weight's name for the patterns in order; the first that is found decides.
"""

from __future__ import annotations

import dataclasses
import functools
import re

from rocmox.errors import UsageError

_EXPERTS = r"ffn_(up|down|gate|gate_up)_(ch|)exps"  # LLM_FFN_EXPS_REGEX of common/common.h
_DEVICE = re.compile(r"(?:ROCm|HIP|CUDA|Vulkan)(?P<index>\d{1,3})", re.IGNORECASE)
_REMEDY = r"Write PATTERN=CPU or PATTERN=ROCm1, for example 'blk\.(1|2)\.ffn_.*_exps=CPU'."


@dataclasses.dataclass(frozen=True, kw_only=True)
class Override:
    """Weights whose name has this pattern go to a device, None is the host; `option` asks llama-server for it."""

    pattern: str
    device: int | None = None
    option: str = dataclasses.field(default="", compare=False)


def parse_overrides(text: str, *, devices: int) -> tuple[Override, ...]:
    """`-ot` as llama-server takes it: PATTERN=BUFFER, more behind commas; UsageError says which part is wrong."""
    return tuple(_parse(part, devices) for part in text.split(",") if part)


def cpu_experts(layers: int) -> tuple[Override, ...]:
    """`--n-cpu-moe`: the experts of the first layers."""
    if layers <= 0:
        return ()
    pattern = rf"blk\.({'|'.join(map(str, range(layers)))})\.{_EXPERTS}"
    return (Override(pattern=pattern, option=f"--n-cpu-moe {layers}"),)


def place_of(overrides: tuple[Override, ...], name: str, *, place: int, cpu: int) -> int:
    """The device of a weight that would lie on `place`; the host is `cpu`."""
    for override in overrides:
        if _compiled(override.pattern).search(name):
            return cpu if override.device is None else override.device
    return place


def _parse(part: str, devices: int) -> Override:
    pattern, equals, target = part.rpartition("=")
    if not equals or not pattern:
        raise UsageError(f"--override-tensor {part!r} is not PATTERN=BUFFER", remedy=_REMEDY)
    try:
        _compiled(pattern)
    except re.error as error:
        raise UsageError(
            f"--override-tensor {pattern!r} is not a regular expression: {error}", remedy=_REMEDY
        ) from error
    if target.upper() == "CPU":
        return Override(pattern=pattern, option=f"-ot {part}")
    match = _DEVICE.fullmatch(target)
    if match is None or int(match["index"]) >= devices:
        raise UsageError(
            f"--override-tensor {part!r}: {target!r} is neither CPU nor one of the {devices} cards", remedy=_REMEDY
        )
    return Override(pattern=pattern, device=int(match["index"]), option=f"-ot {part}")


@functools.cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
