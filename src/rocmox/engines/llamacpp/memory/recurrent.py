"""States of layers without a KV cache (src/llama-memory-recurrent.cpp; `n_embd_r`, `n_embd_s` of llama-hparams.cpp)."""

from __future__ import annotations

from rocmox.engines.llamacpp.memory.hyperparameters import Hyperparameters
from rocmox.engines.llamacpp.memory.model import Model
from rocmox.engines.llamacpp.memory.settings import Settings

_FLOAT_BYTES = 4
_ALL = frozenset({"mamba", "mamba2", "rwkv6", "rwkv6qwen2", "rwkv7", "arwkv7", "falcon-h1"})
_WITHOUT_KV_HEADS = frozenset(
    {"jamba", "granitehybrid", "lfm2", "lfm2moe", "nemotron_h", "nemotron_h_moe", "plamo2", "kimi-linear"}
)
_BY_INTERVAL = frozenset({"qwen3next", "qwen35", "qwen35moe"})


def keeps_state(hyper: Hyperparameters, layer: int) -> bool:
    """Whether a layer is recurrent (`is_recr`)."""
    if layer >= hyper.layers:
        return False
    if hyper.recurrent_layers:
        return hyper.recurrent_layers[layer]
    if hyper.architecture in _BY_INTERVAL:
        return (layer + 1) % hyper.attention_interval != 0
    if hyper.architecture in _WITHOUT_KV_HEADS:
        only_network = hyper.architecture.startswith("nemotron_h") and hyper.feed_forward[layer]
        return not hyper.kv_heads[layer] and not only_network
    return hyper.architecture in _ALL


def caches_attention(hyper: Hyperparameters, layer: int) -> bool:
    """Whether a layer has a KV cache."""
    if not hyper.causal:
        return False
    if hyper.architecture == "falcon-h1":
        return True
    only_network = hyper.architecture.startswith("nemotron_h") and hyper.feed_forward[layer]
    return bool(hyper.kv_heads[layer]) and not only_network and not keeps_state(hyper, layer)


def conv_state_width(hyper: Hyperparameters) -> int:
    """Floats of a layer's convolution state, or of what RWKV shifts (`n_embd_r`)."""
    rec = hyper.recurrent
    if rec.wkv_head:
        return rec.token_shifts * hyper.embedding
    if rec.short_conv:
        return hyper.embedding * (rec.short_conv - 1)
    if rec.kda_head:
        return 3 * max(rec.conv_kernel - 1, 0) * hyper.heads[0] * rec.kda_head
    return max(rec.conv_kernel - 1, 0) * (rec.inner + 2 * rec.groups * rec.state)


def scan_state_width(hyper: Hyperparameters) -> int:
    """Floats of a layer's scan state (`n_embd_s`)."""
    rec = hyper.recurrent
    if rec.wkv_head:
        return hyper.embedding * rec.wkv_head
    if rec.kda_head:
        return rec.kda_head * rec.kda_head * hyper.heads[0]
    return rec.state * rec.inner


def state_bytes(model: Model, settings: Settings, layer: int) -> int:
    """Bytes of a layer's states: one for each slot, always f32."""
    if not keeps_state(model.hyper, layer):
        return 0
    return (conv_state_width(model.hyper) + scan_state_width(model.hyper)) * _FLOAT_BYTES * settings.parallel
