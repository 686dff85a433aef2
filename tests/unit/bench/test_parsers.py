"""What llama.cpp's benches write, read."""

import json

import pytest

from rocmox.bench.processor import parse_operations
from rocmox.engines.engine import MeasurementPlan
from rocmox.engines.llamacpp.bench.batched_bench import parse_batched_bench
from rocmox.engines.llamacpp.bench.build_notes import parse_llama_version
from rocmox.engines.llamacpp.bench.commands import Abilities, batched_bench, llama_bench, parse_help
from rocmox.engines.llamacpp.bench.llama_bench import parse_llama_bench
from rocmox.errors import CannotLookError

OLD = {
    "model_type": "llama 70B Q4_K - Small",
    "model_size": 40_342_724_608,
    "model_n_params": 70_553_706_496,
    "n_ubatch": 512,
    "n_gpu_layers": 99,
    "split_mode": "row",
    "type_k": "f16",
    "type_v": "q8_0",
    "flash_attn": True,
    "n_prompt": 512,
    "n_gen": 0,
    "avg_ts": 60.0,
    "samples_ts": [59.0, 60.0, 61.0],
}
PLAN = MeasurementPlan(
    model="m.gguf", programs="/opt/bin", split_modes=("layer",), parallel=(1, 4), depths_tokens=(0, 4096)
)


def test_an_old_document() -> None:
    (found,) = parse_llama_bench(json.dumps([OLD]))
    assert (found.phase, found.tokens, found.tokens_per_second) == ("prefill", 512, 60.0)
    assert (found.depth_tokens, found.flash_attention, found.type_v, found.split_mode) == (0, "on", "q8_0", "row")


def test_a_new_document() -> None:
    new = {**OLD, "n_prompt": 0, "n_gen": 128, "n_depth": 4096, "flash_attn": -1, "devices": "auto"}
    (found,) = parse_llama_bench(json.dumps([new]))
    assert (found.phase, found.tokens, found.depth_tokens, found.flash_attention) == ("decode", 128, 4096, "auto")
    assert found.label() == "decode 128, split row, after 4096, KV f16/q8_0"


@pytest.mark.parametrize("text", ["", "error: no model", "{}", "[1]", '[{"model_type": 1}]', "[null]"])
def test_anything_else_cannot_be_looked_at(text: str) -> None:
    with pytest.raises(CannotLookError, match="llama-bench wrote something else"):
        assert parse_llama_bench(text) is None


def test_batched_results_between_lines_of_a_log() -> None:
    line = '{"n_kv_max": 4096, "pp": 256, "tg": 128, "pl": 4, "speed_pp": 76.5, "speed_tg": 12.1, "flash_attn": 0}'
    text = f"llama_init: {{\n\n{line}\n{{broken\n[1]\n"
    prefill, decode = parse_batched_bench(text, model="llama", model_bytes=1, split_mode="layer")
    assert (prefill.phase, prefill.tokens, prefill.tokens_per_second) == ("prefill", 256, 76.5)
    assert (decode.phase, decode.tokens, decode.tokens_per_second, decode.parallel) == ("decode", 128, 12.1, 4)


def test_no_batched_result_cannot_be_looked_at() -> None:
    with pytest.raises(CannotLookError, match="no result"):
        parse_batched_bench("out of memory\n", model="llama", model_bytes=1, split_mode="layer")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("version: 6170 (4227c9be)\nbuilt with cc", (6170, "4227c9be")),
        ("version: 0.5.0-dev (build 11434, commit 0c1e5709)", (11434, "0c1e5709")),
        ("no version", (None, None)),
    ],
)
def test_versions_of_both_spellings(text: str, expected: tuple[int | None, str | None]) -> None:
    assert parse_llama_version(text) == expected


def test_options_follow_what_the_programs_know() -> None:
    old = parse_help(
        "  -sm, --split-mode <none|layer|row>  (default: layer)\n  -fa, --flash-attn <0|1>  (default: 0)\n"
    )
    new = parse_help(
        "  -sm, --split-mode <none|layer|row|tensor>\n  -fa, --flash-attn <on|off|auto>\n  -d, --n-depth <n>\n"
    )
    assert old == Abilities(depth=False, flash_attention_words=False, split_modes=frozenset({"none", "layer", "row"}))
    assert "tensor" in new.split_modes
    assert llama_bench(PLAN, "layer", old)[-2:] == ["-fa", "0"]
    assert llama_bench(PLAN, "layer", new)[-4:] == ["-fa", "off", "-d", "0,4096"]
    assert "-fa" not in batched_bench(PLAN, "layer", old)
    assert batched_bench(PLAN, "layer", new)[-2:] == ["-fa", "off"]


def test_a_processors_operations() -> None:
    core = "cpu MHz\t\t: 2000.000\nflags\t\t: fpu avx avx2 fma\n"
    assert parse_operations(core * 2) == 2 * 2000e6 * 8 * 4
    assert parse_operations("processor : 0\n") is None
