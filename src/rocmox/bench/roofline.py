"""How near a speed comes to what the hardware can do at most.

Decoding reads every weight that a token meets once for each step: with the layers one after another on several cards,
the memory of one card is at work at a time (split none and layer); with each matrix on all of them, all are (row,
tensor). Several sequences share the reading. Processing a prompt takes two operations for each weight and token. A
mixture of experts reads and computes those experts alone that its tokens are sent to. The KV cache is left out.
"""

from __future__ import annotations

import dataclasses
import re

from rocmox.bench.measurement import Measurement
from rocmox.bench.store import Run
from rocmox.gpu.catalogue import Peak, load_peaks

_TOGETHER = frozenset({"row", "tensor"})
_MIXTURE = re.compile(r"moe|mixtral|\d+x\d+|\.A\d|gpt-oss|deepseek[23]|grok|dbrx|arctic|llama4", re.IGNORECASE)
"""llama.cpp's names (`llm_type_name`) of models whose experts a run without `weights` leaves unknown."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Share:
    """`share` of the limit, 1 being all of it; None with the reason when there is no limit to name."""

    share: float | None
    limit_tokens_per_second: float | None
    reason: str


def share(measurement: Measurement, run: Run) -> Share:
    """The share of the limit that a measurement reached on the hardware of its run."""
    if run.surroundings.rpc:
        return _unknown("the devices behind RPC servers have no data sheet here")
    peak, devices = _peak(run)
    if peak is None:
        return _unknown("no data sheet for this hardware is known")
    if run.weights is None and _MIXTURE.search(measurement.model):
        return _unknown("a mixture of experts reads a part of its weights, and which is not known")
    at_work = devices if measurement.split_mode in _TOGETHER else 1
    if measurement.phase == "decode":
        read = run.weights.step_bytes(measurement.parallel) if run.weights else measurement.model_bytes
        limit = measurement.parallel * at_work * peak.memory_bytes_per_second / read
        reason = f"memory of {at_work} x {peak.name}, {peak.memory_bytes_per_second / 1e9:.0f} GB/s ({peak.source})"
        return _reached(measurement, limit, f"{read / 1e9:.3g} GB a step; {reason}")
    computed = run.weights.active_parameters if run.weights else measurement.parameters
    if not computed:
        return _unknown("the bench does not tell the number of weights")
    limit = at_work * peak.operations_per_second / (2 * computed)
    reason = f"{at_work} x {peak.name}, {peak.operations_per_second / 1e12:.3g} T operations/s ({peak.source})"
    return _reached(measurement, limit, f"{computed / 1e9:.3g} G weights a token; {reason}")


def _unknown(reason: str) -> Share:
    return Share(share=None, limit_tokens_per_second=None, reason=reason)


def _reached(measurement: Measurement, limit: float, reason: str) -> Share:
    return Share(share=measurement.tokens_per_second / limit, limit_tokens_per_second=limit, reason=reason)


def _peak(run: Run) -> tuple[Peak | None, int]:
    cards = run.surroundings.cards
    peaks = [load_peaks().get(card.device_id) for card in cards]
    known = [peak for peak in peaks if peak]
    if known and len(known) == len(cards):
        # layers wait for the slowest card
        return min(known, key=lambda peak: peak.memory_bytes_per_second), len(cards)
    if cards or not run.processor_memory_bytes_per_second or not run.processor_operations_per_second:
        return None, 0
    processor = Peak(
        name="this machine's processors",
        memory_bytes_per_second=run.processor_memory_bytes_per_second,
        operations_per_second=run.processor_operations_per_second,
        source="copy measured; clock x lanes",
    )
    return processor, 1
