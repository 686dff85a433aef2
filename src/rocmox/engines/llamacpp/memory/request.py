"""What a user asks for, with the defaults that llama-server of the asked build would take."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from rocmox.engines.llamacpp.memory.builds import LlamaBuild, parse_build
from rocmox.engines.llamacpp.memory.cards import CardMemory
from rocmox.engines.llamacpp.memory.graph.profiles import has_profile
from rocmox.engines.llamacpp.memory.model import Model
from rocmox.engines.llamacpp.memory.overrides import cpu_experts, parse_overrides
from rocmox.engines.llamacpp.memory.settings import Settings
from rocmox.engines.llamacpp.source.advice import advise_cublas_for_build
from rocmox.errors import UsageError
from rocmox.facts.ggml_types import BY_NAME, GgmlType

CACHE_TYPES = ("f32", "f16", "bf16", "q8_0", "q4_0", "q4_1", "iq4_nl", "q5_0", "q5_1")
SPLITS = ("none", "layer", "row", "tensor")
_DEFAULT_CONTEXT = 4096
_LARGEST_CONTEXT = 1 << 24
_MOST_SLOTS = 256
_LARGEST_UBATCH = 1 << 16
_ROCBLAS_BY_ITSELF = range(4567, 4699)  # #11244 to #11831: MI50 multiplied prompts with rocBLAS
_RDNA3_UNTIL = 7100  # before, RDNA3 multiplied prompts with rocBLAS by itself


@dataclasses.dataclass(frozen=True, kw_only=True)
class Request:
    """The command line as it is; empty strings and zeros stand for what was not said."""

    context_tokens: int = 0
    split: str = ""
    kv: str = "f16"
    kv_v: str = ""
    ubatch_tokens: int = 512
    parallel: int = 1
    flash_attention: str = ""
    build: str = "latest"
    tensor_split: str = ""
    kv_unified: str = ""
    peer_copy: str = "on"
    logits: str = "slots"
    cublas: str = "auto"
    gpu_layers: int | None = None
    cpu_expert_layers: int = 0
    override_tensor: str = ""
    kv_offload: str = "on"
    full_windows: str = "off"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Resolved:
    """Settings, and what had to be assumed."""

    settings: Settings
    uses_cublas: bool
    assumptions: tuple[str, ...]


def resolve(request: Request, model: Model, cards: Sequence[CardMemory]) -> Resolved:
    """Fill in defaults; UsageError for values that make no sense."""
    build = parse_build(request.build)
    kv_k = _cache_type("--kv", request.kv)
    kv_v = _cache_type("--kv-v", request.kv_v or request.kv)
    notes: list[str] = []
    context = _within("--context", request.context_tokens or _default_context(model), _LARGEST_CONTEXT)
    if not request.context_tokens:
        notes.append(f"context {context}: none was asked for")
    split = _one_of("--split", request.split or ("layer" if len(cards) > 1 else "none"), SPLITS)
    flash = _flash_attention(request, model, build, notes, needed=kv_v.is_quantized)
    cublas = _cublas(request, build, cards, notes)
    settings = Settings(
        context_tokens=context,
        ubatch_tokens=_within("--ubatch", request.ubatch_tokens, _LARGEST_UBATCH),
        parallel=_within("--parallel", request.parallel, _MOST_SLOTS),
        kv_k=kv_k,
        kv_v=kv_v,
        kv_unified=build.kv_unified_by_default
        if not request.kv_unified
        else _switch("--kv-unified", request.kv_unified),
        flash_attention=flash,
        split=split,
        tensor_split=_shares(request.tensor_split),
        peer_copy=_switch("--peer-copy", request.peer_copy),
        all_logits=_one_of("--logits", request.logits, ("slots", "all")) == "all",
        gpu_layers=_gpu_layers(request, model),
        overrides=(
            *cpu_experts(_not_negative("--n-cpu-moe", request.cpu_expert_layers)),
            *parse_overrides(request.override_tensor, devices=len(cards)),
        ),
        kv_offload=_switch("--kv-offload", request.kv_offload),
        full_windows=_switch("--swa-full", request.full_windows),
        build=build,
    )
    _refuse_partial(settings)
    if build.nearest_measured != build.number:
        notes.append(f"{build.name} was not measured; its generation is that of b{build.nearest_measured}")
    return Resolved(settings=settings, uses_cublas=cublas, assumptions=(*notes, *_warnings(model, settings)))


def _refuse_partial(settings: Settings) -> None:
    if settings.is_partly_on_cpu and settings.split in {"row", "tensor"}:
        raise UsageError(
            f"split {settings.split} is planned for models that lie on the cards whole",
            remedy="Take --split layer with --gpu-layers, --n-cpu-moe, --override-tensor or --kv-offload off.",
        )
    if settings.overrides and settings.build.is_early:
        raise UsageError(
            f"{settings.build.name} has neither --n-cpu-moe nor --override-tensor (2025-04 and later)",
            remedy="Take a newer build, or --gpu-layers.",
        )


def _gpu_layers(request: Request, model: Model) -> int | None:
    """None when all layers and the output are offloaded, which is what -ngl 99 means for most models."""
    layers = request.gpu_layers
    if layers is None or _not_negative("--gpu-layers", layers) > model.hyper.all_layers:
        return None
    return layers


def _not_negative(option: str, value: int) -> int:
    if value < 0:
        raise UsageError(f"{option} {value} is negative")
    return value


def _default_context(model: Model) -> int:
    return min(_DEFAULT_CONTEXT, model.hyper.context_train or _DEFAULT_CONTEXT)


def _flash_attention(request: Request, model: Model, build: LlamaBuild, notes: list[str], *, needed: bool) -> bool:
    if model.hyper.architecture == "grok":
        notes.append("flash attention off: llama.cpp turns it off for grok")
        return False
    if build.is_early and model.hyper.head_k != model.hyper.head_v:
        notes.append(f"flash attention off: {build.name} turns it off where heads of K and V differ in width")
        return False
    if request.flash_attention:
        return _switch("--flash-attn", request.flash_attention)
    if build.flash_attention_by_default:
        return True
    if needed:
        notes.append("flash attention on: a quantised V cache needs it")
        return True
    notes.append(f"flash attention off: the default of {build.name}")
    return False


def _cublas(request: Request, build: LlamaBuild, cards: Sequence[CardMemory], notes: list[str]) -> bool:
    if _one_of("--cublas", request.cublas, ("auto", "on", "off")) != "auto":
        return request.cublas == "on"
    architectures = {card.architecture for card in cards if card.architecture}
    if advise_cublas_for_build(build.number, architectures).on:
        notes.append("forced cuBLAS (GGML_CUDA_FORCE_CUBLAS), as the role builds for these cards")
        return True
    takes_rocblas = build.number in _ROCBLAS_BY_ITSELF and "gfx906" in architectures
    return takes_rocblas or (any(name.startswith("gfx110") for name in architectures) and build.number < _RDNA3_UNTIL)


def _warnings(model: Model, settings: Settings) -> list[str]:
    quantized = settings.kv_k.is_quantized or settings.kv_v.is_quantized
    warnings = []
    if not has_profile(model.hyper.architecture):
        warnings.append(
            f"warning: the graph of {model.hyper.architecture} was not checked against llama.cpp; its compute buffers "
            "are an estimate"
        )
    if quantized and settings.flash_attention and settings.build.leaks_flash_attention_copies:
        warnings.append(
            "warning: before June 2026 quantised KV with flash attention leaks scratch memory on HIP (#22107); "
            "it may run out of memory in use although it loads"
        )
    if settings.flash_attention and settings.kv_k is not settings.kv_v:
        warnings.append(
            "warning: HIP builds have flash-attention kernels for equal K and V types only; others fall back to the CPU"
        )
    each = settings.context_tokens // (1 if settings.kv_unified else settings.parallel)
    if each > model.hyper.context_train > 0:
        warnings.append(f"warning: the model was trained for {model.hyper.context_train} tokens")
    return warnings


def _cache_type(option: str, name: str) -> GgmlType:
    return BY_NAME[_one_of(option, name.lower(), CACHE_TYPES)]


def _one_of(option: str, value: str, allowed: Sequence[str]) -> str:
    if value not in allowed:
        raise UsageError(f"{option} {value!r} is none of {', '.join(allowed)}")
    return value


def _switch(option: str, value: str) -> bool:
    return _one_of(option, value, ("on", "off")) == "on"


def _within(option: str, value: int, largest: int) -> int:
    if not 1 <= value <= largest:
        raise UsageError(f"{option} {value} is not between 1 and {largest}")
    return value


def _shares(text: str) -> tuple[float, ...]:
    if not text:
        return ()
    try:
        shares = tuple(float(part) for part in text.replace("/", ",").split(","))
    except ValueError as error:
        raise UsageError(f"--tensor-split {text!r}: write shares such as 3,3,2") from error
    if min(shares) < 0 or not 0 < sum(shares) < float("inf"):
        raise UsageError(f"--tensor-split {text!r}: shares are not negative, and one is above 0")
    return shares
