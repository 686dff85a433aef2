"""How near a speed comes to what the hardware can do at most.

Decoding reads every weight once for each step: with the layers one after another on several cards, the memory of one
card is at work at a time (split none and layer); with each matrix on all of them, all are (row, tensor). Several
sequences share the reading. Processing a prompt takes two operations for each weight and token.
"""

from __future__ import annotations

import dataclasses
import functools
import tomllib
from importlib import resources

from rocmox.bench.measurement import Measurement
from rocmox.bench.store import Run

_TOGETHER = frozenset({"row", "tensor"})
_MIXTURE = ("moe", "mixtral", "x7b", "x22b", ".a", "a3b")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Peak:
    """What one device can do at most."""

    name: str
    memory_bytes_per_second: float
    operations_per_second: float
    source: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Share:
    """`share` of the limit, 1 being all of it; None with the reason when there is no limit to name."""

    share: float | None
    limit_tokens_per_second: float | None
    reason: str


def share(measurement: Measurement, run: Run) -> Share:
    """The share of the limit that a measurement reached on the hardware of its run."""
    peak, devices = _peak(run)
    if peak is None:
        return Share(share=None, limit_tokens_per_second=None, reason="no data sheet for this hardware is known")
    if any(word in measurement.model.lower() for word in _MIXTURE):
        return Share(
            share=None, limit_tokens_per_second=None, reason="a mixture of experts reads a part of its weights"
        )
    at_work = devices if measurement.split_mode in _TOGETHER else 1
    if measurement.phase == "decode":
        limit = measurement.parallel * at_work * peak.memory_bytes_per_second / measurement.model_bytes
        reason = f"memory of {at_work} x {peak.name}, {peak.memory_bytes_per_second / 1e9:.0f} GB/s ({peak.source})"
    elif measurement.parameters:
        limit = at_work * peak.operations_per_second / (2 * measurement.parameters)
        reason = f"{at_work} x {peak.name}, {peak.operations_per_second / 1e12:.2f} T operations/s ({peak.source})"
    else:
        return Share(share=None, limit_tokens_per_second=None, reason="the bench does not tell the number of weights")
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


@functools.cache
def load_peaks() -> dict[str, Peak]:
    """Data sheets by PCI device id (lower case, no prefix)."""
    document = tomllib.loads(resources.files("rocmox.bench").joinpath("data/peaks.toml").read_text(encoding="utf-8"))
    return {
        device: Peak(
            name=card["name"],
            memory_bytes_per_second=card["memory_bytes_per_second"],
            operations_per_second=card["half_operations_per_second"],
            source=card["source"],
        )
        for card in document["card"]
        for device in card["device"]
    }
