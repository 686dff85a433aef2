"""The KV cache: cells per stream, bytes per layer and device (src/llama-kv-cache.cpp, src/llama-kv-cache-iswa.cpp)."""

from __future__ import annotations

import dataclasses

from rocmox.engines.llamacpp.memory.hyperparameters import Hyperparameters
from rocmox.engines.llamacpp.memory.model import Model
from rocmox.engines.llamacpp.memory.recurrent import caches_attention, keeps_state, state_bytes
from rocmox.engines.llamacpp.memory.settings import Settings

_PADDING = 256
_SHORT_PADDING = 32  # without flash attention, until the end of 2025


@dataclasses.dataclass(frozen=True, kw_only=True)
class Cells:
    """Tokens that fit in one stream of full and of windowed layers, and the whole context after padding."""

    full: int
    sliding: int
    streams: int
    context_tokens: int


def count_cells(model: Model, settings: Settings) -> Cells:
    """`llama_context`, `llama_kv_cache_iswa`: context, streams and windows are padded to what kernels like."""
    build = settings.build
    padding = _PADDING if settings.flash_attention or build.pads_window_to_256 else _SHORT_PADDING
    context = _padded(settings.context_tokens, padding)
    streams = 1 if settings.kv_unified or not build.has_streams else settings.parallel
    per_stream = context if streams == 1 else _padded(context // streams, padding)
    sliding = per_stream
    if build.has_windowed_cache and not settings.full_windows:
        window = model.hyper.window_tokens * (settings.parallel if streams == 1 else 1)
        sliding = min(per_stream, _padded(window + settings.ubatch_tokens, padding))
    return Cells(full=per_stream, sliding=sliding, streams=streams, context_tokens=per_stream * streams)


def _padded(tokens: int, padding: int) -> int:
    return -(-tokens // padding) * padding


def layer_bytes(model: Model, settings: Settings, cells: Cells, layer: int) -> int:
    """K and V of one layer; MLA caches K alone, without flash attention V is as wide as the widest layer's."""
    hyper = model.hyper
    if not has_cache(hyper, layer):
        return 0
    rows = (cells.sliding if hyper.sliding[layer] else cells.full) * cells.streams
    total = settings.kv_k.row_bytes(hyper.k_width(layer)) * rows
    if hyper.is_mla and not settings.build.caches_latent_values:
        return total
    width = hyper.v_width(layer)
    if not settings.flash_attention and not settings.build.is_early:
        width = max(map(hyper.v_width, range(hyper.all_layers)))
    return total + settings.kv_v.row_bytes(width) * rows


def has_cache(hyper: Hyperparameters, layer: int) -> bool:
    """Whether a layer has a KV cache of its own."""
    if layer >= hyper.layers or layer >= hyper.kv_from_start:
        return False
    return caches_attention(hyper, layer) or _is_plain(hyper)


def _is_plain(hyper: Hyperparameters) -> bool:
    """Whether every layer has a place in the cache, even one without KV heads (deci)."""
    return hyper.causal and any(hyper.kv_heads) and not any(keeps_state(hyper, layer) for layer in range(hyper.layers))


def cache_bytes(model: Model, settings: Settings, cells: Cells, *, places: tuple[int, ...], devices: int) -> list[int]:
    """Bytes of KV cache on each device and, last, on the host; a layer's cache lies where the layer does."""
    totals = [0] * (devices + 1)  # the last is the host
    for layer in range(model.hyper.all_layers):
        place = places[layer] if settings.kv_offload else devices
        totals[place] += layer_bytes(model, settings, cells, layer) + state_bytes(model, settings, layer)
    return totals
