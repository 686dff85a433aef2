import hashlib
import json
import os
import struct
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.unit.engines.llamacpp.memory.gguf_files import write_catalogue_model

PROGRAMS: dict[str, ModuleType] = {}


@pytest.fixture(scope="module", autouse=True)
def loaded(program: Callable[[str], ModuleType]) -> Iterator[None]:
    PROGRAMS.update({name: program(name) for name in ("read_models", "fit_models")})
    before = getattr(urllib.request, "_opener", None)
    yield
    urllib.request.install_opener(before)  # fit_models sets one of its own


@pytest.fixture(scope="module")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_catalogue_model(tmp_path_factory.mktemp("models") / "model.gguf", "llama-3.1-8b:q4_K_M")


def found(url: object, cards: int = 1, fit: str = "refuse", **changes: Any) -> dict[str, list[str]]:
    """The verdict on a model: by its address, or on a file as the guest shows it."""
    model = {
        "name": "llama",
        "file": "/models/llama.gguf",
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
    model |= {"url": url} if isinstance(url, str) else {"path": str(url), "file": str(url)}
    shown = PROGRAMS["read_models"].main({"models": [model], "verified": "/no/such/file"})
    wish = {
        "cards": ["8192MiB"] * cards,
        "version": "b6170",
        "force_cublas": True,
        "peer_copy": True,
        "fit": fit,
        "models": [model],
        "found": json.loads(json.dumps(shown["files"])),
        "environment": {},
    }
    answer: dict[str, list[str]] = PROGRAMS["fit_models"].main(wish)
    return answer


NOTHING: dict[str, list[str]] = {"problems": [], "memory": [], "notes": []}


def test_a_model_that_fits_is_let_pass_in_silence(model_file: Path) -> None:
    assert found(model_file, cards=2) == NOTHING


def test_a_model_that_does_not_fit_is_named_with_the_way_out(model_file: Path) -> None:
    (problem,) = found(model_file, context_tokens=32768)["memory"]
    assert "Model 'llama' does not fit" in problem
    assert "What would work: " in problem


@pytest.mark.parametrize(
    "changes",
    [{"gpu_layers": 20}, {"extra_arguments": ["-nkvo"]}, {"extra_arguments": ["-ot", "ffn_.*=CPU", "--swa-full"]}],
)
def test_what_lies_in_host_memory_is_planned(model_file: Path, changes: dict[str, Any]) -> None:
    assert found(model_file, context_tokens=16384, **changes)["memory"] == []
    assert found(model_file, context_tokens=16384)["memory"]


def test_a_larger_micro_batch_is_planned(model_file: Path) -> None:
    assert found(model_file)["memory"] == []
    assert found(model_file, extra_arguments=["-ub", 4096])["memory"]


def test_what_llama_cpp_refuses(model_file: Path) -> None:
    (problem,) = found(model_file, split_mode="tensor")["problems"]
    assert "no tensor split" in problem


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"extra_arguments": ["--mmproj", "eyes.gguf"]}, "--mmproj moves memory by hand"),
        ({"extra_arguments": ["--override-tensor", "("]}, "memory not planned"),
        ({"url": "http://user:secret@127.0.0.1:9/model.gguf?token=secret"}, "cannot read"),
    ],
)
def test_what_cannot_be_planned_is_said_and_let_pass(model_file: Path, changes: dict[str, Any], why: str) -> None:
    answer = found(changes.pop("url", model_file), **changes)
    assert answer["problems"] == []
    assert why in answer["notes"][0]
    assert "secret" not in answer["notes"][0]


@pytest.mark.parametrize("fit", ["refuse", "warn", "skip"])
@pytest.mark.parametrize("cards", [0, 2])
def test_a_broken_file_is_refused_whatever_is_set(model_file: Path, tmp_path: Path, cards: int, fit: str) -> None:
    cut, foreign, short = tmp_path / "cut.gguf", tmp_path / "foreign.gguf", tmp_path / "short.gguf"
    with model_file.open("rb") as stream:
        header = stream.read(32 << 20)  # the file itself is sparse, and large
    cut.write_bytes(header[:100000])
    foreign.write_text("no model\n")
    short.write_bytes(header)
    os.truncate(short, model_file.stat().st_size - (1 << 20))
    for file, why in ((cut, "ends"), (foreign, "does not begin with GGUF"), (short, "The download stopped early")):
        (problem,) = found(file, cards=cards, fit=fit)["problems"]
        assert f"Model 'llama' cannot be served: {file}: " in problem
        assert why in problem
        assert "llama_cpp_fit" not in problem


def test_a_file_cut_off_in_its_vocabulary_is_refused(tmp_path: Path) -> None:
    cut, word = tmp_path / "cut.gguf", struct.pack("<Q", 5) + b"token"
    key = struct.pack("<Q", 21) + b"tokenizer.ggml.tokens"
    cut.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 1, 1) + key + struct.pack("<IIQ", 9, 8, 100000) + word * 50000)
    (problem,) = found(cut)["problems"]
    assert "ends inside the elements of 'tokenizer.ggml.tokens'" in problem


@pytest.mark.parametrize("changes", [{}, {"gpu_layers": 20}])
@pytest.mark.parametrize("cards", [0, 2])
def test_an_unknown_architecture_is_refused(
    model_file: Path, tmp_path: Path, cards: int, changes: dict[str, Any]
) -> None:
    unknown = tmp_path / "unknown.gguf"
    with model_file.open("rb") as stream:
        unknown.write_bytes(stream.read(32 << 20).replace(b"llama", b"lxama"))
    os.truncate(unknown, model_file.stat().st_size)
    for fit in ("refuse", "warn"):
        (problem,) = found(unknown, cards=cards, fit=fit, **changes)["problems"]
        assert "no known llama.cpp loads the architecture 'lxama'" in problem
        assert "set llama_cpp_fit: skip" in problem
    assert found(unknown, cards=cards, fit="skip", **changes) == NOTHING


def test_without_cards_nothing_is_planned(model_file: Path) -> None:
    assert found(model_file, cards=0, context_tokens=131072, split_mode="row") == NOTHING
    assert found("http://127.0.0.1:9/model.gguf", cards=0) == NOTHING


def test_a_file_with_another_checksum_is_refused(model_file: Path) -> None:
    small = model_file.with_name("small.gguf")
    with model_file.open("rb") as stream:
        small.write_bytes(stream.read(1 << 20))
    problem = found(small, sha256="0" * 64)["problems"][0]
    assert f"SHA-256 of {small} is " in problem
    assert "expected 000" in problem


def test_all_parts_of_a_split_file_are_shown(program: Callable[[str], ModuleType], tmp_path: Path) -> None:
    for number in (1, 3):
        (tmp_path / f"m-{number:05}-of-00003.gguf").write_bytes(b"x")
    model = {"path": "x", "file": str(tmp_path / "m-00001-of-00003.gguf")}
    (shown,) = program("read_models").main({"models": [model], "verified": ""})["files"].values()
    assert [part["name"] for part in shown["parts"]] == ["m-00001-of-00003.gguf", "m-00003-of-00003.gguf"]


def test_a_compared_checksum_is_not_compared_again(program: Callable[[str], ModuleType], tmp_path: Path) -> None:
    read_models, file, verified = program("read_models"), tmp_path / "m.gguf", tmp_path / "verified.json"
    file.write_bytes(b"x")
    wish = {"models": [{"path": "x", "file": str(file), "sha256": "0" * 64}], "verified": str(verified)}
    first = read_models.main(wish)
    assert first["files"][str(file)]["sha256"] == hashlib.sha256(b"x").hexdigest()
    verified.write_text(json.dumps(first["verified"]))
    assert read_models.main(wish)["files"][str(file)]["sha256"] == "0" * 64
    os.utime(file, (0, 0))
    assert read_models.main(wish)["files"][str(file)]["sha256"] != "0" * 64
