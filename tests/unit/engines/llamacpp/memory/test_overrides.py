"""Weights and caches that lie elsewhere than their layer."""

from __future__ import annotations

import pytest

from rocmox.engines.llamacpp.memory.cards import parse_cards
from rocmox.engines.llamacpp.memory.catalogue import find_model
from rocmox.engines.llamacpp.memory.overrides import Override, cpu_experts, parse_overrides, place_of
from rocmox.engines.llamacpp.memory.plan import make_plan
from rocmox.engines.llamacpp.memory.request import Request, resolve
from rocmox.engines.llamacpp.memory.settings import Settings
from rocmox.errors import UsageError

CPU = 2


def test_the_first_pattern_that_is_found_decides() -> None:
    overrides = parse_overrides(r"blk\.1\.ffn=ROCm1,ffn=CPU", devices=2)
    assert overrides == (Override(pattern=r"blk\.1\.ffn", device=1), Override(pattern="ffn"))
    assert place_of(overrides, "blk.1.ffn_up.weight", place=0, cpu=CPU) == 1
    assert place_of(overrides, "blk.2.ffn_up.weight", place=0, cpu=CPU) == CPU
    assert place_of(overrides, "blk.2.attn_q.weight", place=0, cpu=CPU) == 0


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("blk.1.ffn_up_exps.weight", CPU),
        ("blk.2.ffn_up_exps.weight", 0),
        ("blk.11.ffn_up_exps.weight", 0),
        ("blk.1.ffn_gate_up_exps.weight", CPU),
        ("blk.1.ffn_up_shexp.weight", 0),
        ("blk.1.ffn_gate_inp.weight", 0),
    ],
)
def test_experts_of_the_first_layers(name: str, place: int) -> None:
    assert place_of(cpu_experts(2), name, place=0, cpu=CPU) == place


@pytest.mark.parametrize("text", ["ffn", "=CPU", "ffn=", "(=CPU", "ffn=ROCm2", "ffn=GPU", "ffn=ROCm-1"])
def test_what_makes_no_sense_is_said(text: str) -> None:
    with pytest.raises(UsageError, match="--override-tensor"):
        parse_overrides(text, devices=2)


def test_n_cpu_moe_is_a_pattern() -> None:
    model, cards = find_model("qwen3-30b-a3b:q4_K_M"), parse_cards("2xmi50-32g")
    pattern = Request(override_tensor=r"blk\.[0-9]\.ffn_(up|down|gate)_exps=CPU")
    plans = [
        make_plan(model, resolve(request, model, cards).settings, cards, uses_cublas=False)
        for request in (Request(cpu_expert_layers=10), pattern)
    ]
    assert [device.total_bytes for device in plans[0].devices] == [device.total_bytes for device in plans[1].devices]
    assert plans[0].host_model_bytes == plans[1].host_model_bytes


def test_a_cache_in_host_memory_leaves_the_cards() -> None:
    model, cards = find_model("llama-3.3-70b:q4_K_M"), parse_cards("2xmi50-32g")
    plans = [
        make_plan(model, Settings(context_tokens=8192, kv_offload=offload), cards, uses_cublas=False)
        for offload in (True, False)
    ]
    assert sum(device.context_bytes for device in plans[0].devices) == plans[1].host_context_bytes == 80 * 8192 * 4096
    assert not any(device.context_bytes for device in plans[1].devices)
    assert not plans[1].is_pipelined


def test_more_layers_than_there_are_means_all() -> None:
    model, cards = find_model("llama-3.3-70b:q4_K_M"), parse_cards("2xmi50-32g")
    assert resolve(Request(gpu_layers=99, split="tensor"), model, cards).settings.gpu_layers is None
    assert resolve(Request(gpu_layers=80), model, cards).settings.gpu_layers == 80
