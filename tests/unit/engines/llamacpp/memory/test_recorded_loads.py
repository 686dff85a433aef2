"""Models of many architectures, loaded by llama.cpp with devices that only count: the planner says the same.

What tests/cases/fit/PROVENANCE says about the recordings; nothing in the planner was fitted to them.
"""

import functools
import json
from pathlib import Path
from typing import Any

import pytest

from rocmox.engines.llamacpp.memory.builds import parse_build
from rocmox.engines.llamacpp.memory.compute import compute_buffers
from rocmox.engines.llamacpp.memory.kv_cache import Cells, cache_bytes, count_cells
from rocmox.engines.llamacpp.memory.model import Model, from_header
from rocmox.engines.llamacpp.memory.overrides import cpu_experts
from rocmox.engines.llamacpp.memory.placement import place_layers
from rocmox.engines.llamacpp.memory.settings import Settings
from rocmox.engines.llamacpp.memory.tensor_split import tensor_cache_bytes, tensor_weights
from rocmox.engines.llamacpp.memory.weights import weight_bytes
from rocmox.facts.ggml_types import BY_NAME
from rocmox.facts.gguf import GgufHeader, TensorInfo

MIB = 1 << 20
ALIGNMENT = 32
OWNERS_LIMIT_MIB = 100
CLOSE_MIB = 0.2  # sizes are printed with two decimals; positions of some KiB may be copied once more or less
LOADS = Path(__file__).parents[4] / "cases" / "fit" / "loads.jsonl"


@functools.cache
def recordings() -> dict[str, dict[str, Any]]:
    lines = map(json.loads, LOADS.read_text(encoding="utf-8").splitlines())
    return {line["model"]: line for line in lines}


def model_of(recorded: dict[str, Any]) -> Model:
    entries = [tuple(entry) for entry in recorded["once"]]
    for layer, kind in enumerate(recorded["layers"]):
        entries += [(f"blk.{layer}.{name}", shape, quant) for name, shape, quant in recorded["kinds"][kind]]
    tensors = tuple(TensorInfo(name=name, shape=tuple(shape), kind=BY_NAME[quant]) for name, shape, quant in entries)
    keys = {key: tuple(value) if isinstance(value, list) else value for key, value in recorded["metadata"].items()}
    header = GgufHeader(version=3, metadata=keys, lengths={}, tensors=tensors, read_bytes=0)
    return from_header(header, name=recorded["model"])


def planned(model: Model, row: dict[str, Any]) -> list[tuple[float, float, float]]:
    settings = Settings(
        context_tokens=row["context"],
        ubatch_tokens=row["ubatch"],
        parallel=row["parallel"],
        kv_k=BY_NAME[row["kv"]],
        kv_v=BY_NAME[row.get("kv_v", row["kv"])],
        kv_unified=row["kv_unified"],
        flash_attention=row["flash_attn"] and model.hyper.architecture != "grok",
        all_logits=row["all_logits"],
        gpu_layers=row.get("gpu_layers"),
        overrides=cpu_experts(row.get("cpu_expert_layers", 0)),
        kv_offload=row.get("kv_offload", True),
        split=row.get("split", "layer"),
        build=parse_build(row["build"]),
    )
    cells, devices = count_cells(model, settings), row["devices"]
    if settings.split == "tensor":
        return in_tensor_split(model, settings, cells, row["tensor_split"])
    places = place_layers(
        layers=model.hyper.all_layers,
        shares=row["tensor_split"],
        on_gpus=settings.gpu_layers,
        output_first=settings.build.offloads_output_first,
    )
    weights = weight_bytes(
        model,
        places=places,
        devices=devices,
        alignment=ALIGNMENT,
        pads_rows=False,
        overrides=settings.overrides,
    )
    caches = cache_bytes(model, settings, cells, places=places, devices=devices)
    compute = compute_buffers(
        model, settings, places=places, cells=cells, devices=devices, alignment=ALIGNMENT
    ).device_bytes
    return [
        (size / MIB, cache / MIB, work / MIB)
        for size, cache, work in zip(weights.device_bytes, caches[:-1], compute, strict=True)
    ]


def in_tensor_split(
    model: Model, settings: Settings, cells: Cells, shares: list[float]
) -> list[tuple[float, float, float]]:
    """As one sum: what llama.cpp prints there is not by device."""
    weights = tensor_weights(model, shares, alignment=ALIGNMENT).device_bytes
    caches = tensor_cache_bytes(model, settings, cells, shares)
    places = (0,) * (model.hyper.all_layers + 1)
    one = compute_buffers(model, settings, places=places, cells=cells, devices=1, alignment=ALIGNMENT).device_bytes[0]
    return [((size + cache + one) / MIB, 0.0, 0.0) for size, cache in zip(weights, caches, strict=True)]


@functools.cache
def deviations(name: str) -> list[tuple[dict[str, Any], tuple[float, float, float]]]:
    """For each device of each load by how many MiB model, context and compute are off."""
    recorded = recordings()[name]
    model, found = model_of(recorded), []
    for row in recorded["rows"]:
        none = [0.0] * row["devices"]
        printed = (row.get("total_mib") or row["model_mib"], row.get("context_mib", none), row.get("compute_mib", none))
        for plan, real in zip(planned(model, row), zip(*printed, strict=True), strict=True):
            found.append((row, (plan[0] - real[0], plan[1] - real[1], plan[2] - real[2])))
    return found


@pytest.mark.parametrize("name", recordings())
def test_what_llama_cpp_allocates(name: str) -> None:
    for row, parts in deviations(name):
        assert parts == pytest.approx((0, 0, 0), abs=CLOSE_MIB), row


def test_how_close_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        for build in ("b4447", "latest"):
            off = [abs(sum(parts)) for name in recordings() for row, parts in deviations(name) if row["build"] == build]
            close = sum(mib <= OWNERS_LIMIT_MIB for mib in off) / len(off)
            print(f"\n{build}: {len(off)} devices, {close:.2%} within 100 MiB, worst {max(off):.2f} MiB", end="")
            assert close == 1
