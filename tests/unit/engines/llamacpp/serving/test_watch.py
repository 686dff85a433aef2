"""Progress is a share of Ninja's steps, or the line as it is; what the shell is given is quoted."""

import importlib.util
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

PLUGIN = Path(__file__).parents[5] / "roles" / "llama_cpp" / "action_plugins" / "llama_cpp_watch.py"


@pytest.fixture(scope="module")
def watch() -> ModuleType:
    spec = importlib.util.spec_from_file_location("llama_cpp_watch", PLUGIN)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("lines", "shown"),
    [
        (["[57/190] Building CXX object src/llama.cpp.o"], "57 of 190 steps (30 %)"),
        (["1.2G"], "1.2G"),
        (["-- Configuring done"], "-- Configuring done"),
        ([], "running"),
    ],
)
def test_progress(watch: ModuleType, lines: list[str], shown: str) -> None:
    assert watch.progress(lines) == shown


@pytest.mark.parametrize(("present", "state"), [(True, "finished"), (False, "failed")])
def test_an_ended_unit_is_judged_by_what_it_left(
    watch: ModuleType, tmp_path: Path, state: str, *, present: bool
) -> None:
    done, log = tmp_path / "done", tmp_path / "log"
    log.write_text("first\nlast\n")
    if present:
        done.touch()
    # `systemctl` of no unit, or no systemctl at all: the job does not run.
    command = watch.LOOK.format(unit="rocmox-no-such-unit", done=done, log=log, growing="''", quarters=1)
    answer = subprocess.run(
        ["/bin/bash", "-c", command], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert answer[0] == state
    assert answer[1:] == ([] if present else ["first", "last"])
