"""What `rocmox fit` says and draws."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from rocmox.engines.llamacpp.memory.cards import parse_cards
from rocmox.engines.llamacpp.memory.catalogue import find_model
from rocmox.engines.llamacpp.memory.plan import make_plan
from rocmox.engines.llamacpp.memory.request import Request, resolve
from rocmox.engines.llamacpp.memory.solve import Answer, answer
from rocmox.report.fit import to_text
from rocmox.report.fit_flags import to_flags
from rocmox.report.fit_picture import to_html, to_svg


def answered(model: str, cards: str, request: Request) -> Answer:
    found, held = find_model(model), parse_cards(cards)
    return answer(found, resolve(request, found, held), held)


@pytest.mark.parametrize(
    ("request_", "flags"),
    [
        (Request(context_tokens=8192), "-c 8192 -ngl 99 -sm layer -fa on -ctk f16 -ctv f16 -ub 512 -np 1"),
        (
            Request(context_tokens=8192, build="b6000", split="row", tensor_split="3,2"),
            "-c 8192 -ngl 99 -sm row -ts 3,2 -ctk f16 -ctv f16 -ub 512 -np 1",
        ),
        (
            Request(context_tokens=8192, cpu_expert_layers=4, kv="q8_0", kv_offload="off", parallel=2, kv_unified="on"),
            "-c 8192 -ngl 99 -sm layer -fa on -ctk q8_0 -ctv q8_0 -ub 512 -np 2 -kvu --n-cpu-moe 4 -nkvo",
        ),
        (
            Request(context_tokens=8192, override_tensor="blk.(1|2).ffn=CPU", gpu_layers=20, flash_attention="off"),
            "-c 8192 -ngl 20 -sm layer -fa off -ctk f16 -ctv f16 -ub 512 -np 1 -ot 'blk.(1|2).ffn=CPU'",
        ),
    ],
)
def test_flags_are_those_of_llama_server(request_: Request, flags: str) -> None:
    model, cards = find_model("qwen3-30b-a3b:q4_K_M"), parse_cards("2xw7900")
    settings = resolve(request_, model, cards).settings
    assert to_flags(make_plan(model, settings, cards, uses_cublas=False)) == flags


@pytest.mark.parametrize("context", [4096, 131072])
def test_the_picture_has_a_bar_for_each_card(context: int) -> None:
    result = answered("llama-3.2-1b:f16", "3x1536MiB", Request(context_tokens=context))
    root = ET.fromstring(to_svg(result))  # noqa: S314 - our own
    frames = [shape for shape in root.iter("{http://www.w3.org/2000/svg}rect") if shape.get("class") == "frame"]
    assert len(frames) == len("012")
    assert ("too much" in to_text(result)) is not result.fits
    assert to_html(result).count("<svg") == 1


def test_a_model_that_is_too_large_is_offered_host_memory() -> None:
    dense = answered("llama-3.2-1b:f16", "1x2048MiB", Request(context_tokens=8192))
    assert dense.best_change.startswith("--gpu-layers ")
    layers = int(dense.best_change.split()[1])
    request = Request(context_tokens=8192, gpu_layers=layers)
    assert answered("llama-3.2-1b:f16", "1x2048MiB", request).fits
    one_more = Request(context_tokens=8192, gpu_layers=layers + 1)
    assert not answered("llama-3.2-1b:f16", "1x2048MiB", one_more).fits
    experts = answered("deepseek-v2-lite:q4_K_M", "1x8192MiB", Request(context_tokens=4096))
    assert experts.best_change.startswith("--n-cpu-moe ")
