"""What a token meets of a model: computed by hand for shapes of real models, read from real files."""

import math
import shutil
from pathlib import Path

import pytest

from rocmox.bench.weights import Weights, read_weights, weigh
from rocmox.engines.llamacpp.serving.guest import tiny_model
from rocmox.facts.ggml_types import BY_NUMBER
from rocmox.facts.gguf import GgufHeader, TensorInfo, Value
from rocmox.machine import LocalMachine

Q8_0 = BY_NUMBER[8]


def header(architecture: str, shapes: dict[str, tuple[int, ...]], **keys: Value) -> GgufHeader:
    return GgufHeader(
        version=3,
        metadata={"general.architecture": architecture, **{f"{architecture}.{key}": one for key, one in keys.items()}},
        lengths={},
        tensors=tuple(TensorInfo(name=name, shape=shape, kind=Q8_0) for name, shape in shapes.items()),
        read_bytes=0,
    )


def mixture(layers: int) -> dict[str, tuple[int, ...]]:
    """Layers of 2048 wide, 32 heads of 128 and 4 for keys and values, 128 experts of 768: as Qwen3-30B-A3B has 48."""
    shapes = {"token_embd.weight": (2048, 151936), "output.weight": (2048, 151936)}
    for layer in range(layers):
        shapes |= {
            f"blk.{layer}.attn_q.weight": (2048, 4096),
            f"blk.{layer}.attn_k.weight": (2048, 512),
            f"blk.{layer}.attn_v.weight": (2048, 512),
            f"blk.{layer}.attn_output.weight": (4096, 2048),
            f"blk.{layer}.ffn_gate_inp.weight": (2048, 128),
            f"blk.{layer}.ffn_gate_exps.weight": (2048, 768, 128),
            f"blk.{layer}.ffn_up_exps.weight": (2048, 768, 128),
            f"blk.{layer}.ffn_down_exps.weight": (768, 2048, 128),
        }
    return shapes


def test_a_mixture_computes_with_eight_of_its_experts() -> None:
    found = weigh(header("qwen3moe", mixture(48), expert_count=128, expert_used_count=8, block_count=48))
    assert found
    attention = 2 * 2048 * 4096 + 2 * 2048 * 512 + 2048 * 128
    assert found.dense_parameters == 48 * attention + 2048 * 151936
    assert found.expert_parameters == 48 * 128 * 3 * 2048 * 768
    assert found.active_parameters == pytest.approx(3.04e9, rel=0.01)  # "A3B", without the looked-up embedding
    assert found.step_bytes(1) == pytest.approx(found.active_parameters * 34 / 32)


def test_several_sequences_meet_more_experts() -> None:
    weights = Weights(
        dense_bytes=100, dense_parameters=100, expert_bytes=1600, expert_parameters=1600, experts=16, experts_used=2
    )
    assert weights.step_bytes(1) == pytest.approx(300)
    assert weights.step_bytes(2) == pytest.approx(100 + 1600 * (1 - (14 / 16) ** 2))
    assert weights.step_bytes(1000) == pytest.approx(1700)


def test_looked_up_rows_are_not_read_unless_they_are_the_output_too() -> None:
    shapes = {"token_embd.weight": (64, 1000), "blk.0.ffn_up.weight": (64, 128)}
    tied, untied = weigh(header("llama", shapes)), weigh(header("llama", {**shapes, "output.weight": (64, 1000)}))
    assert tied == untied
    assert tied
    assert tied.dense_parameters == 64 * 1128


def test_layers_that_predict_further_tokens_are_not_run() -> None:
    keys: dict[str, Value] = {"expert_count": 128, "expert_used_count": 8, "block_count": 3, "nextn_predict_layers": 1}
    assert weigh(header("glm4moe", mixture(3), **keys)) == weigh(
        header("glm4moe", mixture(2), **keys | {"block_count": 2, "nextn_predict_layers": 0})
    )


@pytest.mark.parametrize("used", [None, 0, 129, "eight"])
def test_experts_without_a_number_are_unknown(used: Value) -> None:
    assert weigh(header("qwen3moe", mixture(1), expert_count=128, expert_used_count=used)) is None


def test_experts_in_tensors_of_their_own() -> None:
    shapes = {f"blk.0.ffn_up.{expert}.weight": (64, 128) for expert in range(8)}
    found = weigh(header("llama", {"blk.0.attn_q.weight": (64, 64), **shapes}, expert_count=8, expert_used_count=2))
    assert found
    assert (found.expert_parameters, found.active_parameters) == (8 * 64 * 128, 64 * 64 + 2 * 64 * 128)


def test_a_file_is_read_by_ranges(tmp_path: Path) -> None:
    path = tmp_path / "it's a model.gguf"
    tiny_model.write(path)
    found = read_weights(LocalMachine("/"), str(path))
    assert found
    vocabulary = len(tiny_model.vocabulary())
    blocks = 2 * (2 * 64 * 64 + 2 * 32 * 64 + 3 * 128 * 64 + 2 * 64)
    assert found.dense_parameters == blocks + 64 + vocabulary * 64
    assert found.dense_bytes < path.stat().st_size


@pytest.mark.parametrize("text", [b"", b"GGUF", b"no model at all"])
def test_what_is_no_model_is_unknown(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "m.gguf"
    path.write_bytes(text)
    assert read_weights(LocalMachine("/"), str(path)) is None
    assert read_weights(LocalMachine("/"), str(tmp_path / "none.gguf")) is None


def test_all_parts_of_a_split_model_count(tmp_path: Path) -> None:
    whole = tmp_path / "m.gguf"
    tiny_model.write(whole)
    alone = read_weights(LocalMachine("/"), str(whole))
    for part in (1, 2):
        shutil.copy(whole, tmp_path / f"m-0000{part}-of-00002.gguf")
    both = read_weights(LocalMachine("/"), str(tmp_path / "m-00001-of-00002.gguf"))
    assert alone
    assert both
    assert both.dense_bytes == 2 * alone.dense_bytes
    assert math.isclose(both.active_parameters, 2 * alone.active_parameters)
    (tmp_path / "m-00002-of-00002.gguf").unlink()
    assert read_weights(LocalMachine("/"), str(tmp_path / "m-00001-of-00002.gguf")) is None
