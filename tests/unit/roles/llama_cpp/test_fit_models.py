import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.unit.fit.gguf_files import write_catalogue_model

ROOT = Path(__file__).parents[4]


@pytest.fixture(scope="module")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_catalogue_model(tmp_path_factory.mktemp("models") / "model.gguf", "llama-3.1-8b:q4_K_M")


def found(url: object, cards: int = 1, **changes: Any) -> dict[str, list[str]]:
    model = {
        "name": "llama",
        "url": str(url),
        "gpu_layers": 999,
        "context_tokens": 8192,
        "split_mode": "layer",
        "parallel": 1,
        "cache_type_k": "f16",
        "cache_type_v": "f16",
        "flash_attention": False,
        "tensor_split": [],
        "extra_arguments": [],
    } | changes
    wish = {
        "cards": ["8192MiB"] * cards,
        "version": "b6170",
        "force_cublas": True,
        "peer_copy": True,
        "models": [model],
    }
    run = subprocess.run(
        [sys.executable, str(ROOT / "roles/llama_cpp/files/fit_models.py")],
        input=json.dumps(wish),
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(ROOT / "src")},
    )
    answer: dict[str, list[str]] = json.loads(run.stdout)
    return answer


def test_a_model_that_fits_is_let_pass_in_silence(model_file: Path) -> None:
    assert found(model_file, cards=2) == {"problems": [], "notes": []}


def test_a_model_that_does_not_fit_is_named_with_the_way_out(model_file: Path) -> None:
    (problem,) = found(model_file, context_tokens=32768)["problems"]
    assert "Model 'llama' does not fit" in problem
    assert "What would work: " in problem


def test_what_llama_cpp_refuses(model_file: Path) -> None:
    (problem,) = found(model_file, split_mode="tensor")["problems"]
    assert "no tensor split" in problem


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"gpu_layers": 20}, "only whole models"),
        ({"extra_arguments": ["--n-cpu-moe", "4"]}, "moves memory by hand"),
        ({"url": "http://user:secret@127.0.0.1:9/model.gguf?token=secret"}, "cannot read"),
        ({"url": ""}, "lies in the guest"),
    ],
)
def test_what_cannot_be_planned_is_said_and_let_pass(model_file: Path, changes: dict[str, Any], why: str) -> None:
    answer = found(changes.pop("url", model_file), **changes)
    assert answer["problems"] == []
    assert why in answer["notes"][0]
    assert "secret" not in answer["notes"][0]


@pytest.mark.parametrize("cards", [0, 2])
def test_a_file_that_is_no_whole_model_is_refused(model_file: Path, tmp_path: Path, cards: int) -> None:
    cut, unknown = tmp_path / "cut.gguf", tmp_path / "unknown.gguf"
    with model_file.open("rb") as stream:
        header = stream.read(32 << 20)  # the file itself is sparse, and large
    cut.write_bytes(header[:1000])
    unknown.write_bytes(header.replace(b"llama", b"lxama"))
    os.truncate(unknown, model_file.stat().st_size)
    assert "Model 'llama' cannot be served" in found(cut, cards=cards)["problems"][0]
    assert "no known llama.cpp loads the architecture 'lxama'" in found(unknown, cards=cards)["problems"][0]


def test_without_cards_nothing_is_planned(model_file: Path) -> None:
    nothing: dict[str, list[str]] = {"problems": [], "notes": []}
    assert found(model_file, cards=0, context_tokens=131072, split_mode="row") == nothing
    assert found("http://127.0.0.1:9/model.gguf", cards=0) == nothing
