"""Which layers see a window of the context only (`load_arch_hparams` of src/models/*.cpp, `load_swa_pattern`)."""

from __future__ import annotations

import dataclasses

from rocmox.engines.llamacpp.memory.metadata import Metadata


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pattern:
    """Of every `period` layers the last one (or the first, `full_first`) sees the whole context."""

    period: int
    full_first: bool = False
    window_tokens: int = 0  # when the file does not say
    always: bool = False  # windowed even if the file names no window


# From src/models/ARCH.cpp; architectures without a line take the list in their file (sliding_window_pattern).
_PATTERNS = {
    "gemma2": Pattern(period=2, window_tokens=4096, always=True),
    "gemma3": Pattern(period=6),
    "gemma3n": Pattern(period=5),
    "cohere2": Pattern(period=4),
    "cohere2moe": Pattern(period=4, full_first=True),
    "exaone4": Pattern(period=4, window_tokens=4096),
    "exaone-moe": Pattern(period=4, window_tokens=128, always=True),
    "llama4": Pattern(period=4, window_tokens=8192, always=True),
    "olmo2": Pattern(period=4),
    "gpt-oss": Pattern(period=2),
    "plamo3": Pattern(period=8),
    "smallthinker": Pattern(period=4, full_first=True, window_tokens=4096),
    "afmoe": Pattern(period=4),
    "mellum": Pattern(period=4),
    "muse-glimmer": Pattern(period=4),
    "laguna": Pattern(period=4, full_first=True),
}
_FIXED_WINDOW = {"llama4": 8192, "smallthinker": 4096}
_IGNORED = {"phi3", "phimoe"}  # "Phi SWA is currently disabled"
_EXAONE4_LAYERS_WITH_WINDOW = 64


def read_window_tokens(data: Metadata, architecture: str) -> int:
    """Tokens in the window (`n_swa`)."""
    pattern = _PATTERNS.get(architecture)
    fixed = _FIXED_WINDOW.get(architecture)
    return fixed or data.whole("attention.sliding_window", pattern.window_tokens if pattern else 0)


def read_sliding_layers(data: Metadata, architecture: str, all_layers: int, layers: int) -> tuple[bool, ...]:
    """For each layer whether it is windowed; draft layers never are."""
    none = (False,) * all_layers
    pattern = _PATTERNS.get(architecture)
    stored = data.get("attention.sliding_window_pattern")
    if architecture in _IGNORED or (architecture == "exaone4" and all_layers != _EXAONE4_LAYERS_WITH_WINDOW):
        return none
    if not data.whole("attention.sliding_window") and not (pattern and pattern.always):
        return none
    if isinstance(stored, tuple):
        return tuple(bool(entry) for entry in stored[:all_layers]) + none[len(stored) :]
    if pattern is None:
        return none
    period = stored if isinstance(stored, int) and stored else pattern.period
    full = 0 if pattern.full_first else period - 1
    return tuple(layer < layers and layer % period != full for layer in range(all_layers))
