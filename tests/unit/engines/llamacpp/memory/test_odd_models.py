import contextlib
import dataclasses
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rocmox.engines.llamacpp.memory.cards import parse_cards
from rocmox.engines.llamacpp.memory.catalogue import find_model
from rocmox.engines.llamacpp.memory.model import IncompleteModelError, Model
from rocmox.engines.llamacpp.memory.plan import make_plan
from rocmox.engines.llamacpp.memory.refusals import find_refusal
from rocmox.engines.llamacpp.memory.request import Request, resolve
from rocmox.engines.llamacpp.memory.solve import Answer, answer
from rocmox.errors import UsageError
from tests.unit.engines.llamacpp.memory.gguf_files import Value, write_sparse

LLAMA = find_model("llama-3.1-8b:q4_K_M")
GPT_OSS = find_model("gpt-oss-20b")
CARDS = parse_cards("2xmi50-16g")


def asked(model: Model, **request: Any) -> Answer:
    return answer(model, resolve(Request(context_tokens=512, **request), model, CARDS), CARDS)


def of_architecture(name: str) -> Model:
    return Model(name=name, hyper=dataclasses.replace(LLAMA.hyper, architecture=name), tensors=LLAMA.tensors)


@settings(max_examples=25, deadline=None)
@given(model=st.sampled_from((LLAMA, GPT_OSS)), build=st.sampled_from(("latest", "b6170", "b4447")), data=st.data())
def test_a_model_without_one_of_its_tensors_is_planned_or_refused(
    model: Model, build: str, data: st.DataObject
) -> None:
    missing = data.draw(
        st.sampled_from([name for name in model.tensors if name.startswith("blk.3.") or "blk" not in name])
    )
    rest = {name: tensor for name, tensor in model.tensors.items() if name != missing}
    odd = Model(name="odd", hyper=model.hyper, tensors=rest)
    resolved = resolve(Request(context_tokens=512, build=build), odd, CARDS)
    if find_refusal(odd, resolved.settings, devices=2):
        return
    with contextlib.suppress(IncompleteModelError):
        assert make_plan(odd, resolved.settings, CARDS, uses_cublas=False).fits


def test_an_architecture_that_is_put_together_otherwise_is_not_guessed() -> None:
    with pytest.raises(UsageError, match="cannot plan the memory of a rwkv7 model: its caches") as raised:
        asked(of_architecture("rwkv7"))
    assert "llama-fit-params" in raised.value.remedy
    with pytest.raises(UsageError, match="an embedding model has no KV cache"):
        asked(of_architecture("nomic-bert"))


def test_an_architecture_that_was_not_checked_is_called_an_estimate() -> None:
    assert any(
        "not checked against llama.cpp" in note for note in asked(of_architecture("talkie")).resolved.assumptions
    )
    assert not any("not checked" in note for note in asked(LLAMA).resolved.assumptions)


@pytest.mark.parametrize("name", ["blk.x.attn_q.weight", "blk.99.attn_q.weight", "blk.", "blk.1e9.a", "blk.²."])
def test_a_tensor_of_no_layer_is_refused(tmp_path: Path, name: str) -> None:
    stray = dataclasses.replace(LLAMA.tensors["output_norm.weight"], name=name)
    metadata: dict[str, Value] = {
        "general.architecture": "llama",
        "llama.block_count": 32,
        "llama.embedding_length": 4096,
        "llama.attention.head_count": 32,
    }
    path = write_sparse(tmp_path / "odd.gguf", metadata, [*LLAMA.tensors.values(), stray])
    with pytest.raises(UsageError, match="belongs to none of the 32 layers"):
        find_model(str(path))


def test_flash_attention_keeps_a_quantised_cache_as_halves_since_june_2026() -> None:
    def copies(build: str) -> int:
        request = Request(context_tokens=65536, kv="q8_0", flash_attention="on", build=build)
        made = make_plan(LLAMA, resolve(request, LLAMA, CARDS).settings, CARDS, uses_cublas=False)
        return made.devices[0].overhead.copies_bytes

    both = 2 * 2 * 65536 * LLAMA.hyper.k_width(0)
    assert copies("b6170") == 0
    assert both // 2 < copies("latest") <= both


def test_contradictory_sizes_are_said() -> None:
    model = find_model("qwen3-30b-a3b:q4_K_M")
    for change in ({"experts_used": (0,) * 48}, {"heads": (0,) * 48}):
        odd = dataclasses.replace(model, hyper=dataclasses.replace(model.hyper, **change))
        with pytest.raises(UsageError):
            answer(odd, resolve(Request(), odd, CARDS), CARDS)
