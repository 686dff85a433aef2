"""llama-server starts where its cards are; without them it says so once, with what stands in the way."""

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

FILE = Path(__file__).parents[5] / "src/rocmox/engines/llamacpp/serving/guest/start_on_cards.py"
# Words of rocBLAS 3 and 4 and of HIP, as llama-server prints them without a card.
ABORT = "echo; echo 'rocBLAS error: Could not initialize Tensile host: No devices found' >&2; kill -ABRT $$"
NO_DEVICE = (
    "echo 'ggml_cuda_init: failed to initialize ROCm: no ROCm-capable device is detected' >&2; echo Available devices:"
)
CARD = "echo 'Available devices:'; echo '  ROCm0: AMD Instinct MI50 (16368 MiB, 16300 MiB free)'"
OLD = "echo 'error: unknown argument: --list-devices' >&2; exit 1"


@pytest.fixture
def start_on_cards(program: Callable[[str], ModuleType]) -> ModuleType:
    return program("start_on_cards")


@pytest.fixture
def started(tmp_path: Path) -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """Run it with a stand-in that answers `--list-devices` with these words, and serves by saying so."""

    def run(listing: str, *, without_cards: str = "refuse", backend: str = "hip") -> "subprocess.CompletedProcess[str]":
        server = tmp_path / "llama-server"
        server.write_text(
            f'#!/bin/bash\nif [ "$1" = --list-devices ]; then\n{listing}\nexit 0\nfi\necho "serves: $*"\n'
        )
        server.chmod(server.stat().st_mode | stat.S_IXUSR)
        words = [sys.executable, "-I", FILE, backend, without_cards, server, "--model", "a b.gguf"]
        return subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)

    return run


@pytest.mark.parametrize("listing", [ABORT, NO_DEVICE, "echo 'Available devices:'; echo '  (none)'"])
def test_without_a_card_it_ends_once_and_says_why(
    started: Callable[..., "subprocess.CompletedProcess[str]"], listing: str
) -> None:
    done = started(listing)
    assert done.returncode == 69
    assert done.stdout.startswith("no GPU is visible to ROCm in this guest: llama-server is not started.\n")
    assert "Likely cause: " in done.stdout
    assert "What now: " in done.stdout
    assert "rocmox health" in done.stdout
    assert "serves" not in done.stdout


@pytest.mark.parametrize("listing", [CARD, OLD, "echo 'Memory access fault by GPU node-1' >&2; exit 134"])
def test_with_a_card_or_without_a_judgement_it_becomes_llama_server(
    started: Callable[..., "subprocess.CompletedProcess[str]"], listing: str
) -> None:
    done = started(listing)
    assert (done.returncode, done.stdout) == (0, "serves: --model a b.gguf\n")


def test_the_processor_serves_where_that_is_allowed_and_possible(
    started: Callable[..., "subprocess.CompletedProcess[str]"],
) -> None:
    newer = started(NO_DEVICE, without_cards="allow")
    assert newer.returncode == 0
    assert "llama-server serves from the processor." in newer.stdout
    assert newer.stdout.endswith("serves: --model a b.gguf\n")
    older = started(ABORT, without_cards="allow")
    assert older.returncode == 69
    assert "is not started" in older.stdout


def test_vulkan_has_a_name_of_its_own(started: Callable[..., "subprocess.CompletedProcess[str]"]) -> None:
    none = started("echo 'ggml_vulkan: No devices found.'; echo 'Available devices:'", backend="vulkan")
    assert none.returncode == 69
    assert none.stdout.startswith("no GPU is visible to Vulkan in this guest")
    card = started("echo 'Available devices:'; echo '  Vulkan0: AMD Radeon Graphics (RADV)'", backend="vulkan")
    assert "serves" in card.stdout


def test_a_program_that_cannot_be_asked_is_started_all_the_same(start_on_cards: ModuleType) -> None:
    assert start_on_cards.listing("/no/such/program") == ("", None)


def guest(root: Path, *, kfd: bool = True, render: bool = True, version: int = 90006) -> Path:
    """A constructed guest: devices are plain files, and the driver lists one card."""
    node = root / "sys/class/kfd/kfd/topology/nodes/1"
    for folder in (root / "dev/dri", node):
        folder.mkdir(parents=True)
    for path, wished in ((root / "dev/kfd", kfd), (root / "dev/dri/renderD128", render)):
        if wished:
            path.touch()
    (node / "properties").write_text(f"simd_count 240\ngfx_target_version {version}\n")
    return root


@pytest.mark.parametrize(
    ("wish", "cause"),
    [
        ({"kfd": False}, "/dev/kfd is not in this guest"),
        ({"render": False}, "/dev/dri/renderD128 is not in this guest"),
        ({"version": 0}, "the driver lists no card"),
        ({}, "this guest's ROCm does not take the cards"),
    ],
)
def test_the_cause_is_what_this_guest_lacks(
    start_on_cards: ModuleType, tmp_path: Path, wish: dict[str, int], cause: str
) -> None:
    found = list(start_on_cards.causes("hip", guest(tmp_path, **wish)))
    assert len(found) == 1
    assert cause in found[0][0]


@pytest.mark.parametrize(
    ("number", "cause"),
    [
        ("ENXIO", "without a driver behind it"),
        ("ENODEV", "without a driver behind it"),
        ("EPERM", "refused by the container's list of devices"),
        ("EACCES", "not to be opened by this service's account"),
        ("EINVAL", "refused whatever the rights"),
        ("EMFILE", "not to be opened"),
    ],
)
def test_a_refusal_is_told_by_its_number(
    start_on_cards: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: str, cause: str
) -> None:
    code = getattr(start_on_cards.errno, number)

    def refuse(*_arguments: object) -> int:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(start_on_cards.os, "open", refuse)
    (found,) = start_on_cards.causes("hip", tmp_path)
    assert found[0].startswith(f"/dev/kfd, /dev/dri/renderD128 are {cause}")
    assert found[0].endswith(f"({os.strerror(code)})")
    assert found[1]


def test_hidden_and_disguised_cards_are_named(
    start_on_cards: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HIP_VISIBLE_DEVICES", "5")
    monkeypatch.setenv("GGML_VK_VISIBLE_DEVICES", "7")
    monkeypatch.setenv("HSA_OVERRIDE_GFX_VERSION", "10.3.0")
    root = guest(tmp_path)
    found = [cause for cause, _ in start_on_cards.causes("hip", root)]
    assert found == [
        "HIP_VISIBLE_DEVICES=5 hides cards",
        "HSA_OVERRIDE_GFX_VERSION=10.3.0 names another card",
    ]
    vulkan = [cause for cause, _ in start_on_cards.causes("vulkan", root)]
    assert vulkan == ["GGML_VK_VISIBLE_DEVICES=7 hides cards"]
