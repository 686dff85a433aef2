"""The lab these tests run in: its own node, found empty, then filled by site.yml with one SIGKILL on the way."""

import dataclasses
import json
import os
import random
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
LAB = os.environ.get("ROCMOX_TEST_LAB", "test")
RECAP = re.compile(r"^(\S+)\s+: ok=\d+\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)", re.MULTILINE)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Run:
    """One run of a playbook: its exit status, what it printed, and what the recap counts per host."""

    exit_status: int
    output: str

    @property
    def changed(self) -> dict[str, int]:
        return {host: int(changed) for host, changed, _, _ in RECAP.findall(self.output)}


def environment() -> dict[str, str]:
    return {**os.environ, "ROCMOX_LAB": LAB, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_FORCE_COLOR": "0"}


def play(*arguments: str, playbook: str = "site.yml", timeout_seconds: float = 1500) -> Run:
    """Run a playbook on the test lab to its end."""
    done = subprocess.run(
        [BIN / "ansible-playbook", "-i", "inventory/lab", playbook, *arguments],
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout_seconds,
        check=False,
    )
    return Run(exit_status=done.returncode, output=done.stdout)


def play_until_killed(tasks: int) -> int:
    """Start site.yml, kill it with SIGKILL when its nth task has begun; the number of tasks it had begun."""
    seen = 0
    with subprocess.Popen(
        [BIN / "ansible-playbook", "-i", "inventory/lab", "site.yml"],
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            seen += line.startswith("TASK [")
            if seen >= tasks:
                os.killpg(process.pid, signal.SIGKILL)
                break
    return seen


def seeded() -> random.Random:
    """The campaign's random numbers; SEED in the environment repeats or varies it."""
    return random.Random(os.environ.get("SEED", "rocmox"))  # noqa: S311 - a reproducible campaign, no secret


@pytest.fixture(scope="session")
def lab() -> Iterator[dict[str, str]]:
    """A running, empty lab node; its state file."""
    if os.geteuid() != 0:
        pytest.skip("the lab makes containers and bridges: run as root")
    subprocess.run([BIN / "rocmox", "lab", "up", "--name", LAB], check=True, timeout=900)
    status = subprocess.run(
        [BIN / "rocmox", "lab", "status", "--name", LAB, "--json"], check=True, timeout=60, stdout=subprocess.PIPE
    )
    yield json.loads(status.stdout)
    if "ROCMOX_KEEP_LAB" not in os.environ:
        subprocess.run([BIN / "rocmox", "lab", "down", "--name", LAB], check=True, timeout=300)


@dataclasses.dataclass(frozen=True, kw_only=True)
class CheckOfEmptySite:
    """`--check --diff` before anything exists, and what the node held afterwards."""

    run: Run
    containers: str
    templates: str


def on_node(lab: dict[str, str], *argv: str) -> str:
    """What a command on the lab's node prints."""
    ssh = ["ssh", "-i", lab["ssh_private_key"], "-o", f"UserKnownHostsFile={lab['known_hosts']}", "-o", "BatchMode=yes"]
    words = [*ssh, f"root@{lab['node_address']}", shlex.join(argv)]
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True, timeout=120).stdout


@pytest.fixture(scope="session")
def check_of_empty_site(lab: dict[str, str]) -> CheckOfEmptySite:
    """`--check --diff` before anything exists."""
    run = play("--check", "--diff")
    return CheckOfEmptySite(
        run=run, containers=on_node(lab, "pct", "list"), templates=on_node(lab, "pveam", "list", "local")
    )


@pytest.fixture(scope="session")
def killed_site(check_of_empty_site: CheckOfEmptySite) -> int:  # noqa: ARG001 - the empty site is looked at first
    """site.yml killed once at a seeded task; the number of tasks it had begun."""
    return play_until_killed(seeded().randrange(5, 80))


@pytest.fixture(scope="session")
def site(killed_site: int) -> Run:  # noqa: ARG001 - the run after the kill
    """The finished site, converged by the run after the kill."""
    run = play()
    assert run.exit_status == 0, run.output[-6000:]
    return run
