"""What stands in the way is said before anything changes: what, where, why, what now."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from rocmox_lab.vm.kernels import RELEASES
from rocmox_lab.vm.places import REPOSITORIES_URL
from tests.end_to_end.booted_machine import BootedMachine, machine_before

pytestmark = [pytest.mark.machine, pytest.mark.timeout(3600)]
HOST, UPGRADE = "playbooks/prepare_host.yml", "playbooks/upgrade_kernel.yml"
PLACES = "/etc /boot /var/lib/dkms /var/lib/rocmox /usr/lib/modules /usr/local /usr/src"
SNAPSHOT = (
    f"find {PLACES} -xdev \\( -type f -o -type l \\) -printf '%p %s %T@\\n' | sort;"
    "dpkg-query --show --showformat '${Package} ${Version} ${Status}\\n'; apt-mark showhold"
)
EFI = "/sys/firmware/efi/efivars"
SECURE_BOOT = f"{EFI}/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"


@pytest.fixture(scope="module")
def machine() -> BootedMachine:
    """The machine with the driver on kernel A, before any upgrade."""
    machine = machine_before()
    machine.restore("prepared")
    return machine


@contextmanager
def unchanged(machine: BootedMachine) -> Iterator[None]:
    """The host's files, packages and holds are those from before."""
    before = machine.says("sh", "-c", SNAPSHOT)
    yield
    assert machine.says("sh", "-c", SNAPSHOT) == before


def require_words(said: str, *words: str) -> None:
    """Each of them, however the lines are broken."""
    joined = " ".join(said.split())
    assert [word for word in words if word not in joined] == []


def test_the_play_stops_at_a_key_with_another_fingerprint(machine: BootedMachine) -> None:
    with unchanged(machine):
        done = machine.play(HOST, "--limit", "pve_hosts", "-e", f"amdgpu_host_apt_key_fingerprint={'F' * 40}")
    assert done.returncode != 0
    require_words(done.stdout, "nothing was changed", "has the fingerprint", "F" * 40, "AMD's documentation")


def test_the_upgrade_stops_where_headers_are_missing(machine: BootedMachine) -> None:
    machine.offer("c-without-headers")
    with unchanged(machine):
        done = machine.play(UPGRADE)
    machine.offer("b")
    assert done.returncode != 0
    require_words(done.stdout, "nothing was changed", f"proxmox-headers-{RELEASES[2]}", "`apt update` must succeed")


CASES: list[tuple[dict[str, Any], tuple[str, ...]]] = [
    ({"key_url": f"{REPOSITORIES_URL}/rocm/other.gpg.key"}, ("other.gpg.key", "fingerprint", "is not trusted")),
    ({"key_url": f"{REPOSITORIES_URL}/rocm/none.key"}, ("none.key", "404", "amdgpu_host_apt_key_url")),
    ({"apt_url": "http://10.0.2.81/ubuntu"}, ("10.0.2.81", "connect", "amdgpu_host_apt_proxy")),
    ({"apt_url": f"{REPOSITORIES_URL}/amdgpu/9.9/ubuntu"}, ("amdgpu/9.9/ubuntu", "404", "amdgpu_host_release")),
    ({"apt_origin": "elsewhere.example"}, ("calls itself repo.radeon.com", "amdgpu_host_apt_origin")),
    ({"package_version": "1:6.8.5.60204-9.24.04"}, ("1:6.8.5.60204-9.24.04", "amdgpu_host_package_version")),
    ({"release": "6.2.0"}, (RELEASES[0], "is known to fail", "6.2.0", "amdgpu_host_allow_known_bad")),
    ({"kernel": "6.8.12-77-pve"}, ("6.8.12-77-pve", "no image in /boot", "amdgpu_host_kernel")),
]


@pytest.fixture(scope="module")
def answers(machine: BootedMachine) -> list[dict[str, Any]]:
    """What the look says to each wish, two at a time: the machine has two processors."""
    with unchanged(machine), ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda case: machine.asked("look", **case[0]), CASES))


@pytest.mark.parametrize("number", range(len(CASES)), ids=lambda number: "-".join(CASES[number][0]))
def test_each_stops_before_a_change(answers: list[dict[str, Any]], number: int) -> None:
    assert answers[number]["steps"] == []
    require_words(" ".join(answers[number]["problems"]), *CASES[number][1])


def test_a_full_boot(machine: BootedMachine) -> None:
    room = "df --output=avail -B1 /boot | tail -1"
    machine.says("sh", "-c", f"fallocate --length $(($({room}) - 20000000)) /full")
    with unchanged(machine):
        found = machine.asked("upgrade", "plan")
    machine.says("rm", "/full")
    require_words(found["error"], "/boot has", "MB free", "amdgpu_host_boot_room_bytes", "apt autoremove --purge")


def test_secure_boot(machine: BootedMachine) -> None:
    """The firmware's variable is constructed; mokutil, which reads only a real efivarfs, is out of the way."""
    hide = "mount --bind /dev/null /usr/bin/mokutil"
    machine.says("sh", "-c", f"mount -t tmpfs efi /sys/firmware && mkdir -p {EFI} && {hide}")
    machine.says("sh", "-c", f"printf '\\006\\000\\000\\000\\001' > {SECURE_BOOT}")
    try:
        with unchanged(machine):
            found = machine.asked("upgrade", "plan")
    finally:
        machine.says("sh", "-c", "umount /usr/bin/mokutil; umount /sys/firmware")
    require_words(found["error"], "Secure Boot is on", "mokutil --import", "Enroll MOK", "amdgpu_host_signed_modules")


def test_check_and_diff_say_what_would_come_and_change_nothing(machine: BootedMachine) -> None:
    options = '{"amdgpu_host_module_options": {"first_card": 4}}'
    with unchanged(machine):
        done = machine.play(HOST, "--limit", "pve_hosts", "--check", "--diff", "-e", options)
    assert done.returncode == 0
    require_words(done.stdout, "+options amdgpu first_card=4", "changed=1")
