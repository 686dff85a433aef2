"""After the upgrade from A to B: the new kernel runs, pinned, and the guest serves."""

import json

import pytest

from rocmox_lab.vm.kernels import RELEASES
from tests.end_to_end.booted_machine import REPOSITORY, machine_under_test

pytestmark = [pytest.mark.machine, pytest.mark.timeout(900)]
NODES = ["/dev/dri/renderD128", "/dev/dri/renderD129", "/dev/dri/renderD130", "/dev/kfd"]


def test_the_new_kernel_runs_with_the_module_and_is_pinned() -> None:
    machine = machine_under_test()
    assert (machine.kernel(), machine.pinned()) == (RELEASES[1], RELEASES[1])
    assert machine.module_is_loaded()
    assert f"{RELEASES[1]}, x86_64: installed" in machine.says("dkms", "status")
    assert "Kernel pinned on next-boot" not in machine.says("proxmox-boot-tool", "kernel", "list")


def test_the_boot_menu_brought_in_what_the_kernel_is_started_with() -> None:
    assert "iommu=pt" in machine_under_test().says("cat", "/proc/cmdline").split()


def test_the_host_is_as_wished_and_a_second_run_changes_nothing() -> None:
    done = machine_under_test().play("playbooks/prepare_host.yml", "--limit", "pve_hosts", "--diff")
    assert (done.returncode, "changed=0" in done.stdout) == (0, True)


def test_the_guest_opens_its_cards() -> None:
    machine = machine_under_test()
    assert machine.guest_runs()
    assert sorted(machine.guest_opens()) == NODES


def test_the_module_was_built_before_the_guests_went_down() -> None:
    upgrade = machine_under_test().last_upgrade()
    assert (upgrade["phase"], upgrade["error"], upgrade["built_before_downtime"]) == ("done", "", True)
    (REPOSITORY / "artifacts").mkdir(exist_ok=True)
    (REPOSITORY / "artifacts" / "kernel-upgrade.json").write_text(json.dumps(upgrade))
    print(f"built in {upgrade['build_seconds']} s, guests down for {upgrade['downtime_seconds']} s")
    assert upgrade["downtime_seconds"] > 0


def test_only_the_driver_came_from_amds_source() -> None:
    listing = machine_under_test().says("dpkg-query", "--show", "--showformat=${Package}\n")
    assert {"amdgpu-dkms", "amdgpu-dkms-firmware"} <= set(listing.split())
    policy = machine_under_test().says("apt-cache", "policy", "rocm-core", "libdrm-amdgpu-amdgpu1")
    assert "Candidate: (none)" in policy or not policy
