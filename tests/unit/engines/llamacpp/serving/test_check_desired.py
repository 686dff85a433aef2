"""What the variables alone tell: every guard fires once, and a good wish passes all of them."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

SHA256 = "ab" * 32
MODEL = {
    "name": "one",
    "url": "http://mirror.invalid/one.gguf",
    "sha256": SHA256,
    "port": 8080,
    "split_mode": "layer",
    "cache_type_k": "f16",
    "cache_type_v": "f16",
    "flash_attention": False,
}
WISH: dict[str, Any] = {
    "version": "b6170",
    "build_number": "6170",
    "commit": "4" * 40,
    "source": "git",
    "git_url": "https://git.invalid/llama.cpp",
    "archive_url": "",
    "archive_sha256": "",
    "backend": "hip",
    "gpu_targets": ["gfx906"],
    "models": [MODEL],
}


@pytest.fixture
def wishes(program: Callable[[str], ModuleType]) -> ModuleType:
    return program("check_desired")


def problems(check: Callable[[dict[str, Any]], Any], **changes: Any) -> str:
    return "\n".join(check({**WISH, **changes}))


def test_a_good_wish_has_no_problem(wishes: ModuleType) -> None:
    assert [problems(check) for check in (wishes.source, wishes.models)] == ["", ""]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"commit": "4227c9be"}, "git ls-remote https://git.invalid/llama.cpp b6170"),
        ({"gpu_targets": []}, "llama_cpp_gpu_targets is empty"),
        ({"source": "archive", "archive_sha256": SHA256}, "llama_cpp_archive_url is empty"),
        ({"source": "archive", "archive_url": "http://a.invalid", "archive_sha256": "AB" * 32}, "not a SHA-256"),
    ],
)
def test_source_must_be_pinned_wholly(wishes: ModuleType, changes: dict[str, Any], expected: str) -> None:
    assert expected in problems(wishes.source, **changes)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"name": "a/b"}, "letters, digits"),
        ({"path": "/models/one.gguf"}, "either url"),
        ({"url": None}, "either url"),
        ({"sha256": ""}, "64 lower-case"),
        ({"port": 70000}, "port 70000 does not exist"),
        ({"cache_type_k": "q9"}, "cache_type_k is 'q9'"),
        ({"cache_type_v": "q8_0"}, "needs flash attention"),
        ({"split_mode": "rows"}, "Use one of none, layer, row, tensor"),
        ({"split_mode": "tensor"}, "tensor came with b8738"),
    ],
)
def test_a_model_that_cannot_be_served(wishes: ModuleType, changes: dict[str, Any], expected: str) -> None:
    found = problems(wishes.models, models=[{**MODEL, **changes}])
    assert expected in found
    assert found.count("\n") == 0


def test_row_split_ends_with_b9890(wishes: ModuleType) -> None:
    row = [{**MODEL, "split_mode": "row"}]
    assert problems(wishes.models, models=row, build_number=9889) == ""
    assert "b9890" in problems(wishes.models, models=row, build_number=9890)
    assert "Vulkan" in problems(wishes.models, models=row, backend="vulkan")


def test_tensor_split_begins_with_b8738(wishes: ModuleType) -> None:
    tensor = [{**MODEL, "split_mode": "tensor", "flash_attention": True}]
    assert "Use split_mode row" in problems(wishes.models, models=tensor, build_number=8737)
    assert problems(wishes.models, models=tensor, build_number=8738) == ""
    tensor[0]["flash_attention"] = False
    assert "tensor needs flash attention" in problems(wishes.models, models=tensor, build_number=8738)


def test_two_models_of_one_name(wishes: ModuleType) -> None:
    assert "'one' twice" in problems(wishes.models, models=[MODEL, MODEL])
