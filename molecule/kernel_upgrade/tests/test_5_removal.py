"""Back to the kernel's own driver: the host is as it was before the role came, and a second run changes nothing."""

import pytest

from rocmox_lab.vm.kernels import RELEASES
from tests.end_to_end.booted_machine import GUEST, machine_under_test

pytestmark = [pytest.mark.machine, pytest.mark.timeout(1800)]
INBOX = ("playbooks/prepare_host.yml", "--limit", "pve_hosts", "-e", "amdgpu_host_driver=inbox")
REBOOTED = (*INBOX, "-e", "amdgpu_host_reboot=if_needed")
# prepare.yml noted this before the role ran; the guest's cards are the work of another role.
BEFORE = "/root/before"
NOW = "sh /root/listing"


def test_nothing_is_left_behind() -> None:
    machine = machine_under_test()
    machine.restore("prepared")
    # Its nodes go with the driver, as this machine's kernel has none of its own: nobody shall wait for them at boot.
    machine.says("pct", "stop", GUEST)
    machine.says("rm", "-r", "/etc/rocmox/containers")
    boot = machine.says("cat", "/proc/sys/kernel/random/boot_id")
    done = machine.play(*REBOOTED)
    assert done.returncode == 0
    assert machine.says("cat", "/proc/sys/kernel/random/boot_id") != boot
    assert (machine.kernel(), machine.pinned(), machine.module_is_loaded()) == (RELEASES[0], "", False)
    assert machine.says("sh", "-c", f"{NOW} | diff {BEFORE} - || true") == ""
    assert "changed=0" in machine.play(*INBOX).stdout
