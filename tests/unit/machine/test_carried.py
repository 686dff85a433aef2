"""A carried program runs where nothing of rocmox is installed, by the standard library alone."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from rocmox.machine import carried

GUEST = "rocmox.engines.llamacpp.serving.guest"


def run(text: str, folder: Path) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-I", "-S", "-"]  # neither site packages nor this folder
    return subprocess.run(words, input=text, capture_output=True, text=True, cwd=folder, check=False)


def test_what_a_module_imports_travels_with_it(tmp_path: Path) -> None:
    text = carried.program("rocmox.facts.served_now", {"more_units": []})
    done = run(text, tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["schema_version"] == 1


@pytest.mark.parametrize("module", ["look", "preflight"])
def test_the_programs_of_a_guest_load_there(module: str, tmp_path: Path) -> None:
    done = run(carried.program(f"{GUEST}.{module}", {}), tmp_path)
    assert "KeyError" in done.stderr, done.stderr  # it runs, and misses what it should have been asked


def test_the_same_request_gives_the_same_text() -> None:
    assert carried.program(f"{GUEST}.look", {"a": 1}) == carried.program(f"{GUEST}.look", {"a": 1})
    assert "rocmox.cli" not in carried.program(f"{GUEST}.look", {})
