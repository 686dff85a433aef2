"""What llama-server is started with, as far as memory depends on it."""

from __future__ import annotations

import dataclasses

from rocmox.engines.llamacpp.memory.builds import LATEST, LlamaBuild
from rocmox.engines.llamacpp.memory.overrides import Override
from rocmox.facts.ggml_types import F16, GgmlType

_NEWEST = LlamaBuild(number=LATEST)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """One start of llama-server: `split` is none, layer, row or tensor; `tensor_split` are shares, one per device.

    `all_logits`: logits for every token of a micro batch instead of one per slot. `peer_copy` False: a build without
    copies between GPUs, which hence makes no pipeline copies. The last `gpu_layers` are offloaded, the output counts as
    one more (None: all); `overrides` place single weights. `full_windows`: windowed layers cache the whole context.
    `kv_offload` False: caches stay in host memory.
    """

    context_tokens: int
    ubatch_tokens: int = 512
    parallel: int = 1
    kv_k: GgmlType = F16
    kv_v: GgmlType = F16
    kv_unified: bool = True
    flash_attention: bool = True
    split: str = "layer"
    tensor_split: tuple[float, ...] = ()
    peer_copy: bool = True
    all_logits: bool = False
    gpu_layers: int | None = None
    overrides: tuple[Override, ...] = ()
    kv_offload: bool = True
    full_windows: bool = False
    build: LlamaBuild = _NEWEST

    @property
    def is_partly_on_cpu(self) -> bool:
        """Whether weights or caches lie elsewhere than their layer's device, which ends pipelining."""
        return self.gpu_layers is not None or bool(self.overrides) or not self.kv_offload
