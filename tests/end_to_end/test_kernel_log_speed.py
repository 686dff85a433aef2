"""A long ordinary log: no alarm, memory flat, and a fraction of what `grep -E` needs for the same alternatives.

Whole processes are measured, their start included. `pytest -s -m soak tests/end_to_end/test_kernel_log_speed.py` prints
them for 1 GiB.
"""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from rocmox.health.kernel_log.prefilter import LITERALS
from tests.end_to_end.ordinary_log import write_ordinary_log

pytestmark = pytest.mark.alone
_MIB = 1 << 20
_MOST_MEMORY_KIB = 64 << 10
_SPECIAL = re.compile(r"([][().*+?{}|^$\\])")
ALTERNATIVES = "|".join(_SPECIAL.sub(r"\\\1", literal.decode()) for literal in LITERALS)


def measure(argv: list[str]) -> tuple[float, str]:
    """Processor seconds of the whole process, and what it wrote."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(argv, capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C"})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode in {0, 1}, done.stderr
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout


def ratio(log: Path) -> float:
    """How many times as long as grep: the best of three runs of each."""
    ours = [sys.executable, "-m", "rocmox", "kernel-log", "--json", str(log)]
    grep = min(measure(["grep", "-cE", ALTERNATIVES, str(log)])[0] for _ in range(3))
    seconds, printed = min(measure(ours) for _ in range(3))
    report = json.loads(printed)
    assert (report["verdict"], report["events"]) == ("PASS", []), printed[:2000]
    size = log.stat().st_size
    print(
        f"\n{size // _MIB} MiB: rocmox {seconds:.2f} s ({size / seconds / 1e6:.0f} MB/s), grep -E {grep:.2f} s, "
        f"1/{seconds / grep:.1f} of grep's speed"
    )
    return seconds / grep


@pytest.mark.timeout(300)
def test_a_long_ordinary_log(tmp_path: Path) -> None:
    write_ordinary_log(tmp_path / "log", 64 * _MIB)
    assert ratio(tmp_path / "log") < 30


@pytest.mark.timeout(600)
def test_memory_does_not_grow_with_the_log(tmp_path: Path) -> None:
    write_ordinary_log(tmp_path / "log", 64 * _MIB)
    program = "import sys; from rocmox.cli.main import main; main(sys.argv[1:]); "
    program += "print(open('/proc/self/status').read(), file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", program, "kernel-log", str(tmp_path / "log")], capture_output=True, text=True, check=True
    )
    highest = re.search(r"VmHWM:\s+(\d+) kB", done.stderr)
    assert highest is not None
    assert int(highest[1]) < _MOST_MEMORY_KIB


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_a_gibibyte_at_a_tenth_of_greps_speed_at_least(tmp_path: Path) -> None:
    write_ordinary_log(tmp_path / "log", 1024 * _MIB)
    assert ratio(tmp_path / "log") <= 10
