"""`rocmox kernel-log - --follow --on-trouble COMMAND`: the command runs when a card fails, and not for less."""

import subprocess
import sys
from pathlib import Path

from rocmox_lab.gpus.kernel_stories import to_kmsg


def follow(story: str, command: str) -> subprocess.CompletedProcess[str]:
    log = to_kmsg(story, card="0000:03:00.0", port="0000:00:01.0")
    argv = [sys.executable, "-m", "rocmox", "kernel-log", "-", "--follow", "--on-trouble", command]
    return subprocess.run(argv, input=log, capture_output=True, text=True, check=False, timeout=60)


def test_a_failing_card_runs_the_command_once(tmp_path: Path) -> None:
    done = follow("hws-hang", f"sh -c 'echo ran >> {tmp_path}/alarm'")
    assert done.returncode == 2, done.stderr
    assert (tmp_path / "alarm").read_text() == "ran\n"


def test_less_than_that_does_not(tmp_path: Path) -> None:
    assert follow("healthy", f"touch {tmp_path}/alarm").returncode == 0
    assert follow("mes-isolated", f"touch {tmp_path}/alarm").returncode in {0, 1}
    assert list(tmp_path.iterdir()) == []


def test_a_command_that_fails_is_said_and_the_log_goes_on() -> None:
    done = follow("hws-hang", "/not/there")
    assert done.returncode == 2
    assert "/not/there is not installed here" in done.stderr
