"""One measured speed, whichever of llama.cpp's benches measured it."""

from __future__ import annotations

import dataclasses
import math
import statistics
from typing import Literal

Phase = Literal["prefill", "decode"]

DEFAULT_UBATCH = 512
"""llama.cpp's own, in every version."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Measurement:
    """Tokens per second of one phase, above zero. `samples` holds every repetition, in the order measured.

    `parallel` sequences ran at once and the speed is that of all together. `depth_tokens` were in the KV cache before.
    `threads` None is llama.cpp's own choice. `devices` are the cards that llama.cpp saw (its `gpu_info`,
    also those behind RPC), empty where the processors worked alone.
    """

    tool: str
    model: str
    model_bytes: int
    parameters: int | None
    phase: Phase
    tokens: int
    samples: tuple[float, ...]
    split_mode: str
    parallel: int = 1
    depth_tokens: int = 0
    ubatch: int = DEFAULT_UBATCH
    gpu_layers: int = -1
    type_k: str = "f16"
    type_v: str = "f16"
    flash_attention: str = "off"
    threads: int | None = None
    devices: str | None = None

    def __post_init__(self) -> None:
        """ValueError for what is no speed, or of nothing."""
        if not self.samples or not all(math.isfinite(sample) and sample > 0 for sample in self.samples):
            raise ValueError(f"{self.samples} are no tokens per second")
        if min(self.model_bytes, self.tokens, self.parallel, self.ubatch) < 1 or self.depth_tokens < 0:
            raise ValueError(f"{self.tokens} tokens, {self.parallel} at once, of {self.model_bytes} bytes")

    @property
    def tokens_per_second(self) -> float:
        """The median of the samples."""
        return statistics.median(self.samples)

    @property
    def key(self) -> tuple[object, ...]:
        """What two measurements must share to be compared."""
        return (
            *(self.tool, self.model, self.phase, self.tokens, self.split_mode, self.parallel, self.depth_tokens),
            *(self.ubatch, self.gpu_layers, self.type_k, self.type_v, self.flash_attention, self.threads),
        )

    def title(self) -> str:
        """`bench: prefill 512, split layer`: the label, after the bench that measured."""
        return f"{self.tool.removeprefix('llama-')}: {self.label()}"

    def label(self) -> str:
        """`prefill 512, split layer, 2 at once, after 4096`: the settings in words."""
        parts = [f"{self.phase} {self.tokens}", f"split {self.split_mode}"]
        parts += [f"{self.parallel} at once"] if self.parallel > 1 else []
        parts += [f"after {self.depth_tokens}"] if self.depth_tokens else []
        parts += [f"KV {self.type_k}/{self.type_v}"] if (self.type_k, self.type_v) != ("f16", "f16") else []
        parts += [f"ubatch {self.ubatch}"] if self.ubatch != DEFAULT_UBATCH else []
        parts += [f"{self.threads} thread{'s' if self.threads > 1 else ''}"] if self.threads else []
        return ", ".join(parts)
