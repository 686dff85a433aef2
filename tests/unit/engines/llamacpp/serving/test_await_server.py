"""Readiness means the key guards; a failure names its known cause."""

from collections.abc import Callable
from types import ModuleType

import pytest

KEY = "right"


@pytest.fixture
def await_server(program: Callable[[str], ModuleType]) -> ModuleType:
    return program("await_server")


@pytest.mark.parametrize(
    ("wrong", "right", "expected"),
    [(401, 200, ""), (200, 200, "it answers without the API key"), (401, 401, "it refuses its own API key")],
)
def test_the_key_guards(
    await_server: ModuleType, monkeypatch: pytest.MonkeyPatch, wrong: int, right: int, expected: str
) -> None:
    monkeypatch.setattr(await_server, "status", lambda _url, *, key="": right if key == KEY else wrong)
    assert await_server.guard_problem("http://guest.invalid", KEY) == expected


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        ("ActiveState=active\nSubState=running\n", True),
        ("ActiveState=activating\nSubState=auto-restart\n", False),
        ("ActiveState=failed\nSubState=failed\n", False),
        ("ActiveState=inactive\nSubState=dead\n", False),
    ],
)
def test_a_unit_that_waits_for_its_next_attempt_is_dead(
    await_server: ModuleType, monkeypatch: pytest.MonkeyPatch, shown: str, *, expected: bool
) -> None:
    monkeypatch.setattr(await_server, "output", lambda _argv: shown)
    assert await_server.alive("llama-server@one.service") is expected


@pytest.mark.parametrize(
    ("journal", "cause"),
    [
        ("rocBLAS error: Could not initialize Tensile host: No devices found", "no GPU is visible"),
        ("rocBLAS error: Cannot read /opt/rocm/lib/rocblas/library/TensileLibrary.dat: No such file", "no kernels"),
        (
            "ggml_backend_cuda_buffer_type_alloc_buffer: allocating 9000 MiB: cudaMalloc failed: out of memory",
            "do not fit",
        ),
        ("main: couldn't bind HTTP server socket, hostname: 192.0.2.1, port: 8080", "cannot be bound"),
        ("error: invalid argument: --no-such-flag", "does not take one of the arguments"),
        ("llama_model_load: error loading model: tensor data is not within the file bounds", "cannot be loaded"),
        ("ggml_cuda_init: failed to initialize ROCm: no ROCm-capable device is detected", "no GPU is visible"),
        ("main: server is listening", ""),
    ],
)
def test_known_failures_are_explained(await_server: ModuleType, journal: str, cause: str) -> None:
    found, remedy = await_server.explain(journal)
    assert cause in found
    assert bool(remedy) is bool(cause)


def test_the_causes_that_were_found_are_the_remedy(await_server: ModuleType) -> None:
    journal = (
        "Starting llama-server@one.service\nno GPU is visible to Vulkan in this guest: llama-server is not started.\n"
        "Likely cause: /dev/kfd is not in this guest.\nWhat now: Give the container its cards.\nfailed"
    )
    cause, remedy = await_server.explain(journal)
    assert cause == "no GPU is visible to Vulkan in this guest"
    assert remedy == "Likely cause: /dev/kfd is not in this guest. What now: Give the container its cards."
    assert (
        "rocmox health" in await_server.explain("rocBLAS error: Could not initialize Tensile host: No devices found")[1]
    )


def test_a_build_for_cards_must_not_serve_from_the_processor(await_server: ModuleType) -> None:
    assert await_server.card_problem("ggml_cuda_init: failed to initialize ROCm: no ROCm-capable device is detected")
    assert await_server.card_problem("ggml_cuda_init: found 3 ROCm devices:") == ""


def test_nobody_answering_is_status_zero(await_server: ModuleType) -> None:
    assert await_server.status("http://127.0.0.1:1/health") == 0


def test_a_ready_server_needs_no_journal(await_server: ModuleType) -> None:
    answer = await_server.report("llama-server@one.service", "", waited_seconds=1.26)
    assert (answer["ready"], answer["waited_seconds"], answer["journal"]) == (True, 1.3, [])


def test_words_that_reach_the_journal_late_are_waited_for(
    await_server: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = iter(["Main process exited", "Main process exited", "main: exiting: failed to load model"])
    monkeypatch.setattr(await_server, "journal_of", lambda _unit: next(journal))
    answer = await_server.report("llama-server@one.service", "its unit stopped", waited_seconds=0.1)
    assert answer["why"] == "its unit stopped: the model cannot be loaded"


def test_an_unknown_end_is_not_waited_for_long(await_server: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(await_server, "JOURNAL_SECONDS", 0.1)
    monkeypatch.setattr(await_server, "journal_of", lambda _unit: "Main process exited")
    answer = await_server.report("llama-server@one.service", "its unit stopped", waited_seconds=0.1)
    assert (answer["why"], answer["journal"]) == ("its unit stopped", ["Main process exited"])
