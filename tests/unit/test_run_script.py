"""tests/run with stand-ins for every tool: the table at the end, what runs beside what, and a failure's end."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

SCRIPT = Path(__file__).parents[1] / "run"
TOOLS = (
    "ruff",
    "mypy",
    "check-types",
    "lint-imports",
    "yamllint",
    "ansible-playbook",
    "ansible-lint",
    "pytest",
    "molecule",
)


def run(folder: Path, **tools: str) -> tuple[int, str, list[str]]:
    """Exit status, what was written, and the tools in the order in which they ended."""
    (folder / "tests").mkdir()
    shutil.copy(SCRIPT, folder / "tests")
    places = folder / ".venv" / "bin"
    places.mkdir(parents=True)
    (folder / "tools").symlink_to(places)
    for name in TOOLS:
        body = tools.get(name.replace("-", "_"), "")
        (places / name).write_text(f'#!/bin/sh\n{body}\necho "{name} $*" >> {folder}/ended\n')
        (places / name).chmod(0o755)
    done = subprocess.run([folder / "tests" / "run", "test"], capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout + done.stderr, (folder / "ended").read_text().splitlines()


def position(lines: list[str], *words: str) -> int:
    return next(number for number, line in enumerate(lines) if all(word in line for word in words))


def test_a_table_of_all_steps_ends_it(tmp_path: Path) -> None:
    status, said, ended = run(tmp_path)
    assert status == 0, said
    table = said[said.index("All proofs hold.") :]
    for name in ("unit tests", "contract and end to end, alone", "Molecule: site", "Molecule: kernel_upgrade"):
        assert any(line.startswith(name) and line.endswith("passed") for line in table.splitlines()), table
    assert position(ended, "alone and not soak") < position(ended, "not alone and not soak")


def test_the_booted_machine_runs_beside_the_labs_and_not_beside_what_is_alone(tmp_path: Path) -> None:
    wait_for_the_labs = (
        f'if [ "$3" = kernel_upgrade ]; then until grep -q "not alone and" {tmp_path}/ended; do sleep 0.05; done; fi'
    )
    status, said, ended = run(tmp_path, molecule=wait_for_the_labs)
    assert status == 0, said
    alone = position(ended, "pytest -m alone and not soak")
    assert alone < position(ended, "not alone and") < position(ended, "molecule", "kernel_upgrade")


def test_a_lane_that_fails_fails_the_whole_and_shows_why(tmp_path: Path) -> None:
    status, said, _ = run(tmp_path, molecule='[ "$3" = site ] || { echo "the disk is full"; exit 3; }')
    assert status == 1
    assert "the disk is full" in said
    assert any(line.startswith("Molecule: kernel_upgrade") and line.endswith("FAILED") for line in said.splitlines())
    assert "All proofs hold." not in said


def test_a_step_that_fails_ends_the_lane_beside_it(tmp_path: Path) -> None:
    started = time.monotonic()
    status, said, ended = run(tmp_path, ansible_lint="exit 1", molecule='[ "$1" = destroy ] || sleep 50')
    assert status == 1, said
    assert time.monotonic() - started < 40
    assert [line for line in ended if line.startswith("molecule")] == [
        "molecule destroy -s kernel_upgrade",
        "molecule destroy -s site",
    ]
