"""Generations of llama.cpp: what changes in memory from one build to another.

A build number counts commits (`git rev-list --count`). Four generations are measured against real loads: b4447, b6170
and the newest of October 2026 (`latest`); every other build takes the features of its number and the nearest of these.
"""

from __future__ import annotations

import dataclasses
import re

from rocmox.engines.llamacpp import build_numbers
from rocmox.errors import UsageError

LATEST = 11400  # 0c1e57098, 2026-10-01
MEASURED = (4447, 6170, LATEST)

_NUMBER = re.compile(r"b(?P<number>\d{4,6})")


@dataclasses.dataclass(frozen=True, kw_only=True)
class LlamaBuild:
    """A version of llama.cpp by its number; the properties say what it does."""

    number: int

    @property
    def name(self) -> str:
        """As users write it."""
        return "latest" if self.number >= LATEST else f"b{self.number}"

    @property
    def is_early(self) -> bool:
        """Whether graphs are built as in January 2025 (`llm_build_*`)."""
        return self.number < build_numbers.GATED_UNITS

    @property
    def copies_unread_inputs(self) -> bool:
        """Whether pipeline copies are made of inputs that no node reads (pass 6 of the scheduler)."""
        return self.number >= build_numbers.SLOT_LOGITS

    @property
    def has_streams(self) -> bool:
        """Whether slots can have caches of their own."""
        return self.number >= build_numbers.ROWS_AND_STREAMS

    @property
    def has_windowed_cache(self) -> bool:
        """Whether windowed layers cache the window only."""
        return self.number >= build_numbers.WINDOWED_CACHE

    @property
    def casts_mask(self) -> bool:
        """Whether flash attention's mask is made in f32 first."""
        return self.number < build_numbers.HALF_MASK

    @property
    def mask_padding(self) -> int:
        """Rows of the mask are padded to this (GGML_KQ_MASK_PAD)."""
        if self.is_early:
            return 32
        return 64 if self.number < build_numbers.PLAIN_MASK else 1

    @property
    def rotates_cache(self) -> bool:
        """Whether quantised caches hold rotated values."""
        return self.number >= build_numbers.ROTATED_CACHE

    @property
    def reserves_slot_logits(self) -> bool:
        """Whether llama-server reserves logits for its slots instead of for every token."""
        return self.number >= build_numbers.SLOT_LOGITS

    @property
    def pads_window_to_256(self) -> bool:
        """Whether a windowed cache is padded like a full one."""
        return self.number >= build_numbers.WINDOW_BY_256

    @property
    def offloads_output_first(self) -> bool:
        """Whether of a partly offloaded model the output layer is the first on a GPU."""
        return self.number >= build_numbers.OUTPUT_FIRST

    @property
    def caches_latent_values(self) -> bool:
        """Whether compressed attention caches V besides K, of which it is a part."""
        return self.number < build_numbers.LATENT_KEYS_ONLY

    @property
    def chooses_rows_last(self) -> bool:
        """Whether graphs that feed a draft head choose the tokens with logits after the last layer."""
        return self.number >= build_numbers.ROWS_CHOSEN_LAST

    @property
    def flash_attention_by_default(self) -> bool:
        """Whether llama-server turns flash attention on by itself."""
        return self.number >= build_numbers.FLASH_ATTENTION_VALUE

    @property
    def drops_pipeline(self) -> bool:
        """Whether a load that fails for the pipeline's copies is tried again without them."""
        return self.number >= build_numbers.PIPELINE_IS_DROPPED

    @property
    def kv_unified_by_default(self) -> bool:
        """Whether all slots share one stream when -np is given and -kvu is not."""
        return not self.has_streams

    @property
    def leaks_flash_attention_copies(self) -> bool:
        """Whether f16 copies of a quantised cache grow in the pool on HIP (#22107, until #23907)."""
        return self.number < build_numbers.NO_LEAK

    def refuses_split(self, split: str) -> str:
        """Why this build does not know a split mode; empty when it does."""
        if split == "row" and self.number >= build_numbers.NO_SPLIT_ROW:
            return f"{self.name} has no row split (removed in b{build_numbers.NO_SPLIT_ROW}); use tensor or layer"
        if split == "tensor" and self.number < build_numbers.SPLIT_TENSOR:
            return f"{self.name} has no tensor split (it came with b{build_numbers.SPLIT_TENSOR}); use row or layer"
        return ""

    @property
    def nearest_measured(self) -> int:
        """The measured build whose generation this one belongs to."""
        return min(MEASURED, key=lambda measured: abs(measured - self.number))


def parse_build(text: str) -> LlamaBuild:
    """`latest` or `b4447`; UsageError for anything else."""
    if text == "latest":
        return LlamaBuild(number=LATEST)
    match = _NUMBER.fullmatch(text)
    if match is None or not 3000 <= int(match["number"]) <= 99999:  # noqa: PLR2004 - before, files were no GGUF v3
        raise UsageError(f"--llama-build {text!r} is not a build", remedy="Write latest or a tag such as b4447.")
    return LlamaBuild(number=min(int(match["number"]), LATEST))
