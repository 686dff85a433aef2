"""A kernel that the driver does not compile for: B stays, serves and boots, and the compiler's words are shown."""

import re

import pytest

from rocmox_lab.vm.kernels import RELEASES
from tests.end_to_end.booted_machine import BootedMachine, machine_under_test

pytestmark = [pytest.mark.machine, pytest.mark.timeout(3600)]
_, GOOD, BROKEN = RELEASES


def require_serving(machine: BootedMachine) -> None:
    assert (machine.kernel(), machine.pinned(), machine.module_is_loaded()) == (GOOD, GOOD, True)
    assert machine.guest_runs()
    assert len(machine.guest_opens()) == 4


def test_the_upgrade_stops_with_the_compile_error() -> None:
    machine = machine_under_test()
    boot = machine.says("cat", "/proc/sys/kernel/random/boot_id")
    machine.offer("c")
    done = machine.play("playbooks/upgrade_kernel.yml")
    said = " ".join(done.stdout.split())
    assert done.returncode != 0
    assert re.search(r"amdgpu_dm_helpers\.c:\d+:\d+: error: .*drm_dp_add_payload_part2", said)
    assert machine.says("cat", "/proc/sys/kernel/random/boot_id") == boot
    require_serving(machine)


def test_a_kernel_that_apt_installs_by_itself_does_not_become_the_default() -> None:
    machine = machine_under_test()
    install = f"apt-get -q update && apt-get -q --yes install proxmox-kernel-{BROKEN}-signed proxmox-headers-{BROKEN}"
    done = machine.run("sh", "-c", f"export DEBIAN_FRONTEND=noninteractive; {install}", timeout_seconds=1200)
    assert done.exit_status == 0, done.stdout + done.stderr
    assert not machine.says("dpkg", "--audit")
    assert "drm_dp_add_payload_part2" in machine.says("sh", "-c", "cat /var/lib/rocmox/host/builds/*")
    assert machine.pinned() == GOOD


def test_it_still_boots_the_good_one_after_a_power_cut() -> None:
    machine = machine_under_test()
    assert BROKEN in machine.says("ls", "/boot")
    machine.cut_power()
    machine.power_on()
    require_serving(machine)
