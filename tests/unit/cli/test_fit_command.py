import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rocmox.cli.main import main
from tests.unit.engines.llamacpp.memory.gguf_files import header_bytes, write_catalogue_model, write_sparse


def run_json(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, Any]]:
    code = main(["fit", *words, "--json"])
    output: dict[str, Any] = json.loads(capsys.readouterr().out)
    return code, output


def test_it_fits(capsys: pytest.CaptureFixture[str]) -> None:
    code, found = run_json(capsys, "llama-3.3-70b:q4_K_S", "--cards", "3xmi50-16g", "--context", "8192")
    assert code == 0
    assert found["schema_version"] == 1
    assert found["fits"] is True
    assert "refusal" not in found
    assert found["max_context"] >= 8192
    assert [device["layers"] for device in found["devices"]] == [27, 27, 26]
    for device in found["devices"]:
        parts = sum(device[f"{part}_mib"] for part in ("model", "context", "compute", "overhead"))
        assert device["total_mib"] == pytest.approx(parts, abs=0.05)
        assert device["free_mib"] == pytest.approx(device["capacity_mib"] - device["total_mib"], abs=0.05)


def test_it_does_not_fit_and_says_what_would(capsys: pytest.CaptureFixture[str]) -> None:
    words = ("llama-3.3-70b:q4_K_S", "--cards", "3xmi50-16g", "--context", "32768", "--llama-build", "b4447")
    code, found = run_json(capsys, *words)
    assert (code, found["fits"]) == (2, False)
    assert found["best_change"].startswith("KV q8_0 with flash attention")
    assert main(["fit", "llama-3.1-8b", "--cards", "4096MiB"]) == 2
    text = capsys.readouterr().out
    assert "Does not fit" in text
    assert "too much" in text


def test_memory_that_grows_in_use_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    words = ("llama-3.3-70b:q4_K_S", "--cards", "3xmi50-16g", "--context", "8192", "--llama-build", "b4447")
    code, found = run_json(capsys, *words)
    assert code == 0
    assert found["ends_at_used_context"] == 7680
    main(["fit", *words])
    assert "beyond 7680 used tokens" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["llama-3.1-8b", "--cards", "2xmi50", "--split", "row"], "no row split"),
        (["llama-3.1-8b", "--cards", "2xmi50", "--split", "tensor", "--llama-build", "b6170"], "no tensor split"),
        (["llama-3.1-8b", "--cards", "2xmi50", "--split", "tensor", "--flash-attn", "off"], "needs flash attention"),
        (["deepseek-v2-lite", "--cards", "2xmi50", "--split", "tensor"], "not implemented"),
        (["llama-3.1-8b", "--cards", "mi50", "--kv-v", "q8_0", "--flash-attn", "off"], "quantised V cache"),
        (["deepseek-v2-lite", "--cards", "mi50", "--kv", "q8_0", "--kv-v", "f16"], "different K and V"),
        (["qwen3-8b", "--cards", "mi50", "--llama-build", "b4447"], "does not know the architecture"),
        (["llama-3.1-8b", "--cards", "2xmi50", "--tensor-split", "1,1,1"], "3 shares for 2 cards"),
    ],
)
def test_refusals(capsys: pytest.CaptureFixture[str], words: list[str], why: str) -> None:
    code, found = run_json(capsys, *words)
    assert code == 2
    assert found["fits"] is False
    assert why in found["refusal"]
    assert main(["fit", *words]) == 2
    assert why in capsys.readouterr().out


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["llama-3.1-8b"],
        ["llama-3.1-8b", "--cards", "nonsense"],
        ["no-such-model", "--cards", "mi50"],
        ["llama-3.1-8b:q9", "--cards", "mi50"],
        ["/nowhere/model.gguf", "--cards", "mi50"],
        ["llama-3.1-8b", "--cards", "mi50", "--kv", "q3_K"],
        ["llama-3.1-8b", "--cards", "mi50", "--split", "diagonal"],
        ["llama-3.1-8b", "--cards", "mi50", "--context", "-1"],
        ["llama-3.1-8b", "--cards", "mi50", "--parallel", "0"],
        ["llama-3.1-8b", "--cards", "mi50", "--llama-build", "4447"],
        ["llama-3.1-8b", "--cards", "mi50", "--tensor-split", "a,b"],
        ["llama-3.1-8b", "--cards", "2xmi50", "--tensor-split", "0,0"],
        ["llama-3.1-8b", "--cards", "mi50", "--picture", "x.bmp"],
        ["llama-3.1-8b", "--cards", "mi50", "--flash-attn", "maybe"],
    ],
)
def test_wrong_usage(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fit", *words]) == 64
    assert capsys.readouterr().err.startswith("rocmox: ")


def test_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_catalogue_model(tmp_path / "m.gguf", "llama-3.1-8b:q4_K_M")
    code, found = run_json(capsys, str(path), "--cards", "mi50")
    assert code == 0
    _, same = run_json(capsys, "llama-3.1-8b:q4_K_M", "--cards", "mi50")
    assert found["devices"] == same["devices"]


@pytest.mark.parametrize(
    ("keys", "code"),
    [
        ({}, 64),
        ({"general.architecture": "llama"}, 64),
        ({"general.architecture": "llama", "llama.block_count": 100_000, "llama.embedding_length": 1}, 64),
        ({"general.architecture": "llama", "llama.block_count": 1, "llama.embedding_length": 8}, 2),
        ({"general.architecture": "frobnicate", "frobnicate.block_count": 1, "frobnicate.embedding_length": 8}, 2),
    ],
)
def test_files_that_are_no_whole_model(tmp_path: Path, keys: dict[str, Any], code: int) -> None:
    path = write_sparse(tmp_path / "m.gguf", keys, [])
    assert main(["fit", str(path), "--cards", "mi50"]) == code


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    numbers=st.dictionaries(
        st.sampled_from(
            [
                "block_count",
                "embedding_length",
                "attention.head_count",
                "attention.head_count_kv",
                "attention.key_length",
                "expert_count",
                "expert_used_count",
                "attention.sliding_window",
                "context_length",
                "feed_forward_length",
            ]
        ),
        st.one_of(st.integers(0, 300), st.lists(st.integers(-5, 300), min_size=1, max_size=4), st.text(max_size=3)),
    ),
    architecture=st.sampled_from(["llama", "gemma3", "mamba2", "deepseek2", "qwen3moe", "gpt-oss"]),
)
def test_strange_numbers_end_in_a_clear_answer(tmp_path: Path, numbers: dict[str, Any], architecture: str) -> None:
    keys = {"general.architecture": architecture, **{f"{architecture}.{key}": value for key, value in numbers.items()}}
    path = tmp_path / "m.gguf"
    path.write_bytes(header_bytes(keys))
    assert main(["fit", str(path), "--cards", "2xmi50"]) in {0, 2, 64}


@pytest.mark.parametrize("name", ["p.svg", "p.html"])
def test_a_picture(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    main(["fit", "llama-3.1-8b", "--cards", "3xmi50-16g", "--picture", str(path)])
    text = path.read_text()
    assert text.count("mi50-16g</text>") == 3
    assert "<script" not in text


def test_the_catalogue(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fit", "--list"]) == 0
    names = capsys.readouterr().out.splitlines()
    assert {"llama-3.3-70b", "qwen2.5-72b", "qwen1.5-72b", "llama-3-70b", "gpt-oss-20b:mxfp4"} <= set(names)


def test_the_cards_of_a_machine(gpu_tree: Callable[[str], Path], capsys: pytest.CaptureFixture[str]) -> None:
    words = ("llama-3.1-8b", "--cards", "machine", "--machine", f"capture:{gpu_tree('mi50x3')}")
    code, found = run_json(capsys, *words)
    assert code == 0
    assert [device["capacity_mib"] for device in found["devices"]] == [16368] * 3
