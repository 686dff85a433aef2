"""The power goes at a random moment of the upgrade from A to B: whatever boots then has a working module.

ROCMOX_POWER_CUTS says how many (1; `make soak`: 5), SEED makes the moments the same again.
"""

import contextlib
import os
import random
import signal
import subprocess
import time
import uuid
from pathlib import Path

import pytest

from rocmox_lab.vm.kernels import RELEASES
from tests.end_to_end.booted_machine import REPOSITORY, BootedMachine, machine_before, machine_under_test

pytestmark = [pytest.mark.machine, pytest.mark.timeout(7200)]
CUTS = int(os.environ.get("ROCMOX_POWER_CUTS") or 1)
SEED = int(os.environ.get("SEED") or 20240922)
LONGEST_SECONDS = 900
BEFORE_ITS_FIRST_CHANGE = 40
PHASE = "sed -n 's/.*\"phase\": //p' /var/lib/rocmox/host/upgrade.json 2>/dev/null; true"


def play_seconds() -> float:
    """How long the playbook takes here until the guests are up again, by what the upgraded machine noted."""
    upgrade = machine_under_test().last_upgrade()
    return min(BEFORE_ITS_FIRST_CHANGE + float(upgrade["up_at"]) - float(upgrade["prepared_at"]), LONGEST_SECONDS)


def test_the_machine_boots_into_a_kernel_with_its_module() -> None:
    """Of several cuts each falls into a part of the playbook of its own, at a random moment of it."""
    machine = machine_before()
    span = play_seconds()
    moments = random.Random(SEED)  # noqa: S311 - the same moments again, no secrets
    for number in range(CUTS):
        wait_seconds = (number + moments.random()) * span / CUTS
        machine.restore("prepared")
        assert (machine.kernel(), machine.guest_runs()) == (RELEASES[0], True)
        cut_during_upgrade(machine, wait_seconds)
        machine.power_on()
        kernel, pinned, phase = machine.kernel(), machine.pinned(), machine.says("sh", "-c", PHASE)
        print(
            f"cut {number + 1} of {CUTS} after {wait_seconds:.0f} of {span:.0f} s: {kernel}, pinned {pinned}, {phase}"
        )
        assert kernel in RELEASES[:2]
        assert machine.module_is_loaded()
        assert machine.guest_runs()
        assert len(machine.guest_opens()) == 4


@pytest.mark.skipif(CUTS == 1, reason="part of the long campaign: another whole upgrade")
def test_the_upgrade_that_was_cut_off_is_taken_up_again() -> None:
    machine = machine_before()
    assert machine.play("playbooks/upgrade_kernel.yml").returncode == 0
    assert (machine.kernel(), machine.pinned(), machine.module_is_loaded()) == (RELEASES[1], RELEASES[1], True)
    assert len(machine.guest_opens()) == 4


def cut_during_upgrade(machine: BootedMachine, wait_seconds: float) -> None:
    command = machine.command("playbooks/upgrade_kernel.yml")
    mark = str(uuid.uuid4())
    environment = {**machine.environment(), "ROCMOX_POWER_CUT": mark}
    with (REPOSITORY / "artifacts" / "power-cut.log").open("a") as log:
        play = subprocess.Popen(command, cwd=REPOSITORY, env=environment, stdout=log, stderr=log)
        time.sleep(wait_seconds)
        machine.cut_power()
        play.kill()
        play.wait()
    end_workers(f"ROCMOX_POWER_CUT={mark}".encode())


def end_workers(mark: bytes) -> None:
    """Ansible's workers have sessions of their own, and would go on with the machine that boots."""
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark in (process / "environ").read_bytes().split(b"\0"):
                os.kill(int(process.name), signal.SIGKILL)
