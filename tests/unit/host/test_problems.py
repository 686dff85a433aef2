import pytest

from rocmox.facts.boot_tool import BootKernels
from rocmox.host.desired import DesiredHost
from rocmox.host.problems import find_problems, notes
from rocmox.host.state import ESPS, HostState
from tests.unit.host.nodes import A, desired, driven, state


def test_a_fresh_node_has_none() -> None:
    assert find_problems(state(), desired()) == ()


@pytest.mark.parametrize(
    ("node", "wanted", "words"),
    [
        (state(secure_boot=True), desired(), ["Secure Boot is on", "mokutil --import", "Enroll MOK"]),
        (
            state(free_bytes={"/boot": 10**6, "/": 10**10}),
            desired(),
            ["/boot has 1 MB free", "amdgpu_host_boot_room_bytes"],
        ),
        (state(free_bytes={"/boot": 10**9, "/": 10**8}), desired(), ["/ has 100 MB free"]),
        (
            state(free_bytes={ESPS: 10**8}),
            desired(),
            ["smallest ESP", "has 100 MB free", "amdgpu_host_boot_room_bytes"],
        ),
        (state(broken=("nginx (half-configured)",)), desired(), ["nginx (half-configured)", "dpkg --configure -a"]),
        (state(), desired(release="6.2.0"), [A, "known to fail", "issues/3701", "amdgpu_host_allow_known_bad"]),
        (state(), desired(kernel="6.5.13-1-pve"), ["6.5.13-1-pve has no image in /boot"]),
        (
            state(boot=None, unknown={"boot": "proxmox-boot-tool is not installed here"}),
            desired(),
            ["proxmox-kernel-helper"],
        ),
        (state(command_line={"amd_iommu": "off"}), desired(kernel_command_line=("iommu=pt",)), ["amd_iommu=off"]),
    ],
)
def test_each_stops_before_a_change(node: HostState, wanted: DesiredHost, words: list[str]) -> None:
    found = "\n".join(find_problems(node, wanted))
    assert [word for word in words if word not in found] == []


def test_what_an_interrupted_run_left_is_no_problem() -> None:
    node = state(broken=("amdgpu-dkms (half-configured)", "proxmox-kernel-6.8.12-9-pve-signed (unpacked)"))
    assert find_problems(node, desired()) == ()
    assert any("will be finished" in note for note in notes(node, desired()))


def test_the_way_round() -> None:
    assert find_problems(state(), desired(release="6.2.0", allow_known_bad=True)) == ()
    assert find_problems(state(secure_boot=True), desired(signed_modules=True)) == ()


def test_the_inbox_driver_asks_for_nothing() -> None:
    assert find_problems(state(secure_boot=True, boot=None, free_bytes={"/": 1}), DesiredHost()) == ()


def test_notes_name_what_boots() -> None:
    first = notes(driven(boot=BootKernels(automatic=(A,), pinned=A)), desired())[0]
    assert first == f"Proxmox VE 8.4.1, kernel {A} runs, {A} boots next, {A} is pinned"
