"""The settings of a plan as llama-server is started with them."""

from __future__ import annotations

import shlex

from rocmox.engines.llamacpp.memory.plan import MemoryPlan
from rocmox.engines.llamacpp.memory.settings import Settings

_ALL_LAYERS = 99


def to_flags(plan: MemoryPlan) -> str:
    """Flags of that build's llama-server, for a shell; what is not named keeps its default."""
    settings = plan.settings
    gpu_layers = _ALL_LAYERS if settings.gpu_layers is None else settings.gpu_layers
    flags = [f"-c {settings.context_tokens} -ngl {gpu_layers}"]
    if len(plan.devices) > 1 or settings.split != "layer":
        flags.append(f"-sm {settings.split}")
    if settings.tensor_split:
        flags.append("-ts " + ",".join(f"{share:g}" for share in settings.tensor_split))
    flags.append(_flash_attention(settings))
    flags.append(f"-ctk {settings.kv_k.name} -ctv {settings.kv_v.name} -ub {settings.ubatch_tokens}")
    if settings.ubatch_tokens > _DEFAULT_BATCH:
        flags.append(f"-b {settings.ubatch_tokens}")
    flags.append(f"-np {settings.parallel}")
    if settings.build.has_streams and settings.kv_unified:
        flags.append("-kvu")
    flags += [_override(override.option) for override in settings.overrides]
    if settings.full_windows:
        flags.append("--swa-full")
    if not settings.kv_offload:
        flags.append("-nkvo")
    return " ".join(flag for flag in flags if flag)


_DEFAULT_BATCH = 2048


def _flash_attention(settings: Settings) -> str:
    if settings.build.flash_attention_by_default:
        return "-fa on" if settings.flash_attention else "-fa off"
    return "-fa" if settings.flash_attention else ""


def _override(option: str) -> str:
    name, _, value = option.partition(" ")
    return f"{name} {shlex.quote(value)}"
