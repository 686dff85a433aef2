"""A build passes by its answer; one for cards that sees none is told apart from one that miscomputes."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from rocmox.engines.llamacpp.serving.guest import tiny_model

ABORT = "rocBLAS error: Could not initialize Tensile host: No devices found"
LATER = "ggml_cuda_init: failed to initialize ROCm: no ROCm-capable device is detected"


@pytest.fixture
def smoke_test(program: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setitem(sys.modules, "tiny_model", tiny_model)
    return program("smoke_test")


@pytest.mark.parametrize(
    ("cards", "answer", "shown", "status", "verdict"),
    [
        ("required", tiny_model.SENTENCE, "found 3 ROCm devices", 0, "smoke test passed"),
        ("none", tiny_model.SENTENCE, "no usable GPU found", 0, "smoke test passed"),
        ("required", "nonsense", "found 3 ROCm devices", 1, "is expected"),
        ("optional", "nonsense", "found 3 ROCm devices", 1, "is expected"),
        ("required", "(ended)", ABORT, 1, "no GPU is visible to ROCm in this guest. Check"),
        ("required", tiny_model.SENTENCE, LATER, 1, "no GPU is visible to ROCm in this guest. Check"),
        ("required", "(ended)", "ggml_vulkan: No devices found.", 1, "no GPU is visible to Vulkan in this guest"),
        ("optional", "(ended)", ABORT, 0, "smoke test not possible: no GPU is visible to ROCm in this guest"),
        ("optional", tiny_model.SENTENCE, LATER, 0, "smoke test passed on the processor alone"),
    ],
)
def test_verdicts(  # noqa: PLR0917 - fixtures and cases
    smoke_test: ModuleType,
    capsys: pytest.CaptureFixture[str],
    cards: str,
    answer: str,
    shown: str,
    status: int,
    verdict: str,
) -> None:
    assert smoke_test.judge(cards, answer, shown) == status
    assert verdict in capsys.readouterr().out.splitlines()[-1]


def test_a_server_that_ends_is_no_answer(
    smoke_test: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server = tmp_path / "llama-server"
    server.write_text(f"#!/bin/sh\necho '{ABORT}' >&2\nexit 134\n", encoding="utf-8")
    server.chmod(0o755)
    assert smoke_test.main("required", str(tmp_path)) == 1
    shown = capsys.readouterr().out
    assert ABORT in shown
    assert shown.splitlines()[-1].startswith("smoke test failed: no GPU is visible")
