"""What stands in the way is said before anything changes: what, where, why, what now."""

import pytest

from rocmox.lab.vm.kernels import RELEASES
from tests.end_to_end.booted_machine import BootedMachine, machine_under_test

pytestmark = [pytest.mark.machine, pytest.mark.timeout(3600)]
HOST, UPGRADE = "playbooks/prepare_host.yml", "playbooks/upgrade_kernel.yml"
PLACES = "/etc/apt /etc/kernel /etc/default /boot /var/lib/dkms /lib/modules"
SNAPSHOT = f"find {PLACES} -xdev -type f -printf '%p %s %T@\\n' | sort"


@pytest.fixture(scope="module")
def machine() -> BootedMachine:
    """The machine with the driver on kernel A, before any upgrade."""
    machine = machine_under_test()
    machine.restore("prepared")
    return machine


def refused(machine: BootedMachine, playbook: str, *further: str) -> str:
    """The play's words; it fails, and the host's files of packages, kernels and drivers are those from before."""
    before = machine.says("sh", "-c", SNAPSHOT)
    done = machine.play(playbook, *(("--limit", "pve_hosts") if playbook == HOST else ()), *further)
    assert done.returncode != 0
    assert machine.says("sh", "-c", SNAPSHOT) == before
    return " ".join(done.stdout.split())


def test_a_key_with_another_fingerprint(machine: BootedMachine) -> None:
    said = refused(machine, HOST, "-e", f"amdgpu_host_apt_key_fingerprint={'F' * 40}")
    assert "fingerprint" in said


def test_a_source_that_does_not_answer(machine: BootedMachine) -> None:
    said = refused(machine, HOST, "-e", "amdgpu_host_apt_url=http://10.0.2.81/amdgpu/6.2.4/ubuntu")
    assert "10.0.2.81" in said


def test_headers_that_are_missing(machine: BootedMachine) -> None:
    machine.offer("c-without-headers")
    said = refused(machine, UPGRADE)
    assert f"proxmox-headers-{RELEASES[2]}" in said
    machine.offer("b")


def test_a_full_boot(machine: BootedMachine) -> None:
    room = "df --output=avail -B1 /boot | tail -1"
    machine.says("sh", "-c", f"fallocate --length $(($({room}) - 20000000)) /full")
    said = refused(machine, UPGRADE)
    assert "/boot" in said
    machine.says("rm", "/full")
