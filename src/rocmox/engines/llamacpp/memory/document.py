"""An answer as JSON (`rocmox fit --json`)."""

from __future__ import annotations

import dataclasses
from typing import Any

from rocmox.engines.llamacpp.memory.plan import DevicePlan, MemoryPlan
from rocmox.engines.llamacpp.memory.solve import Answer

SCHEMA_VERSION = 1
_MIB = 1 << 20


def to_json(answer: Answer) -> dict[str, Any]:
    """The document of the contracts; sizes in MiB with two decimals."""
    plan = answer.plan
    document: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "model": answer.model.name,
        "architecture": answer.model.hyper.architecture,
        "fits": answer.fits,
        "devices": [] if plan is None else [_device(index, device) for index, device in enumerate(plan.devices)],
        "host": {} if plan is None else _host(plan),
        "max_context": answer.max_context,
        "context": answer.resolved.settings.context_tokens,
        "ends_at_used_context": answer.ends_at_used_context,
        "best_change": answer.best_change,
        "settings": _settings(answer),
        "assumptions": list(answer.resolved.assumptions),
    }
    if answer.refusal:
        document["refusal"] = answer.refusal
    return document


def _device(index: int, device: DevicePlan) -> dict[str, Any]:
    overhead = device.overhead
    return {
        "name": f"{device.card.name}#{index}",
        "capacity_mib": device.card.capacity_mib,
        "model_mib": _mib(device.model_bytes),
        "context_mib": _mib(device.context_bytes),
        "compute_mib": _mib(device.compute_bytes),
        "overhead_mib": _mib(overhead.total_bytes),
        "total_mib": _mib(device.total_bytes),
        "free_mib": _mib(device.free_bytes),
        "layers": device.layers,
        "overhead": {
            field.name.removesuffix("_bytes") + "_mib": _mib(getattr(overhead, field.name))
            for field in dataclasses.fields(overhead)
        },
    }


def _host(plan: MemoryPlan) -> dict[str, Any]:
    return {
        "model_mib": _mib(plan.host_model_bytes),
        "context_mib": _mib(plan.host_context_bytes),
        "compute_mib": _mib(plan.host_compute_bytes),
    }


def _settings(answer: Answer) -> dict[str, Any]:
    settings = answer.resolved.settings
    return {
        "context": settings.context_tokens,
        "ubatch": settings.ubatch_tokens,
        "parallel": settings.parallel,
        "kv": settings.kv_k.name,
        "kv_v": settings.kv_v.name,
        "kv_unified": settings.kv_unified,
        "flash_attn": settings.flash_attention,
        "split": settings.split,
        "tensor_split": list(settings.tensor_split),
        "peer_copy": settings.peer_copy,
        "logits": "all" if settings.all_logits else "slots",
        "cublas": answer.resolved.uses_cublas,
        "llama_build": settings.build.name,
    }


def _mib(count: int) -> float:
    return round(count / _MIB, 2)
