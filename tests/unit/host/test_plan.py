import json
from collections.abc import Callable

import pytest

from rocmox.facts.amdgpu import Module
from rocmox.host import places
from rocmox.host.desired import DesiredHost
from rocmox.host.kernels.hook_files import apt_hook, kernel_hook
from rocmox.host.kernels.pin import kernel_metas
from rocmox.host.kernels.startup import reboot_reasons
from rocmox.host.kernels.units import unit
from rocmox.host.ledger import Ledger
from rocmox.host.packages.apt_view import source_text
from rocmox.host.packages.source import is_settled, preferences
from rocmox.host.plan import plan, plan_removal
from tests.unit.host.nodes import VERSION, A, B, built, desired, driven, offer, state

Read = Callable[[str], str | None]


def nothing(_path: str) -> str | None:
    return None


def written(wanted: DesiredHost, monkeypatch: pytest.MonkeyPatch) -> Read:
    """The files as the role leaves them."""
    monkeypatch.setattr("rocmox.host.packages.source.keys", lambda _blob: {wanted.key_fingerprint: b""})
    files = {
        places.KEYRING: "KEY\n",
        places.SOURCE: source_text(wanted, places.KEYRING),
        places.PREFERENCES: preferences(wanted, VERSION),
        places.POSTINST: kernel_hook("built"),
        places.HEADER_POSTINST: kernel_hook("built"),
        places.POSTRM: kernel_hook("removed"),
        places.APT_HOOK: apt_hook(),
        places.DESIRED: "{}",
        "/var/lib/dpkg/statoverride": "".join(f"root root 0644 {path}\n" for path in places.DKMS_HOOKS),
        **{f"{places.UNITS}/{name}": unit(name) for name in (places.TRIAL_UNIT, places.GUESTS_UNIT)},
    }
    return files.get


def test_a_fresh_node_is_protected_before_anything_is_installed() -> None:
    texts = [step.text for step in plan(state(), desired(), offer(), nothing)]
    assert texts[:2] == [f"pin kernel {A}", "hold proxmox-default-kernel proxmox-kernel-6.8"]
    order = [
        f"write {places.POSTINST}",
        f"write {places.PREFERENCES}",
        f"write {places.SOURCE}",
        f"install proxmox-headers-{A}",
    ]
    order += [f"install amdgpu-dkms {VERSION}", f"build amdgpu for {A}"]
    assert [text for text in texts if text in order] == order


def test_a_node_as_wished_needs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    read = written(desired(), monkeypatch)
    assert is_settled(driven(), desired(), read)
    assert plan(driven(), desired(), offer(), read) == ()
    assert reboot_reasons(driven(), desired(kernel_command_line=("iommu=pt",))) == ()


def test_another_place_of_the_key_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    read = written(desired(), monkeypatch)
    noted = {places.DESIRED: json.dumps({"key_url": desired().key_url})}
    assert is_settled(driven(), desired(), lambda path: noted.get(path, read(path)))
    assert not is_settled(driven(), desired(key_url="https://x/other.key"), lambda path: noted.get(path, read(path)))
    noted = {places.DESIRED: json.dumps({"apt_origin": "elsewhere.example"})}
    assert not is_settled(driven(), desired(), lambda path: noted.get(path, read(path)))


def test_every_kernel_that_may_boot_gets_headers_and_module(monkeypatch: pytest.MonkeyPatch) -> None:
    node = driven(kernels=(A, B))
    texts = [step.text for step in plan(node, desired(), offer(A, B), written(desired(), monkeypatch))]
    assert texts == [f"install proxmox-headers-{B}", f"build amdgpu for {B}, which may boot"]


def test_the_wished_kernel_is_pinned_after_its_module_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    node = driven(kernels=(A, B), with_headers=frozenset({A, B}))
    texts = [step.text for step in plan(node, desired(kernel=B), offer(A, B), written(desired(), monkeypatch))]
    assert texts == [f"build amdgpu for {B}", f"pin kernel {B}"]


def test_another_version_is_installed_and_built_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    node = driven(packages={**driven().packages, "amdgpu-dkms": "1:6.8.5.60203-1"})
    texts = [step.text for step in plan(node, desired(), offer(), written(desired(), monkeypatch))]
    assert texts == [f"install amdgpu-dkms {VERSION}", f"build amdgpu for {A}"]


def test_words_of_the_command_line() -> None:
    wanted = DesiredHost(kernel_command_line=("iommu=pt", "pcie_aspm=off"))
    files = {"/etc/default/grub": 'GRUB_CMDLINE_LINUX_DEFAULT="quiet iommu=pt"\n'}
    steps = plan_removal(state(), wanted, Ledger(), files.get)
    assert [step.text for step in steps] == [f"write {places.GRUB_SETTINGS}", "renew the boot menu"]
    assert 'GRUB_CMDLINE_LINUX="${GRUB_CMDLINE_LINUX} pcie_aspm=off"' in steps[0].after


def test_systemd_boot_has_its_words_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rocmox.host.kernels.startup.ledger.read_ledger", lambda: Ledger(words=("old=1",)))
    files = {
        places.KERNEL_COMMAND_LINE: "root=ZFS=rpool/ROOT quiet old=1\n",
        "/etc/kernel/proxmox-boot-uuids": "2F70\n",
    }
    node = state(loaders=("systemd-boot",))
    steps = plan_removal(node, DesiredHost(kernel_command_line=("iommu=pt",)), Ledger(), files.get)
    assert [step.after for step in steps if step.header == places.KERNEL_COMMAND_LINE] == [
        "root=ZFS=rpool/ROOT quiet iommu=pt\n"
    ]


def test_removal_takes_what_was_noted() -> None:
    files = {places.DESIRED: "{}", places.SOURCE: "x", places.GRUB_SETTINGS: "y"}
    noted = Ledger(
        packages=("amdgpu-dkms", "dkms", "proxmox-kernel-6.8.12-9-pve"), holds=("proxmox-kernel-6.8",), pinned=A
    )
    node = driven()
    texts = [step.text for step in plan_removal(node, DesiredHost(), noted, files.get)]
    assert texts[0] == "remove amdgpu-dkms dkms"
    assert {"pin no kernel", "hold proxmox-kernel-6.8 no longer", f"remove {places.GRUB_SETTINGS}"} <= set(texts)
    assert texts[-1] == "forget what was noted"


def test_a_driver_of_somebody_else_stays() -> None:
    assert plan_removal(driven(), DesiredHost(), Ledger(), nothing) == ()


def test_tools_stay_while_other_modules_need_them() -> None:
    other = built(A)[0].__class__(name="r8125", version="9", kernel=A, state="installed")
    noted = Ledger(packages=("amdgpu-dkms", "dkms"))
    node = driven(dkms=(*built(A), other))
    assert plan_removal(node, DesiredHost(), noted, nothing)[0].text == "remove amdgpu-dkms"


@pytest.mark.parametrize(
    ("node", "words"),
    [
        (driven(boots_next=B), f"kernel {B} boots next"),
        (driven(module=Module(loaded=True, kind="inbox", version=None)), "the kernel's own amdgpu"),
        (driven(module=Module(loaded=True, kind="dkms", version="6.7.0")), "amdgpu 6.7.0 is loaded"),
        (driven(command_line={}), "without iommu=pt"),
    ],
)
def test_why_it_must_be_rebooted(node: object, words: str) -> None:
    (reason,) = reboot_reasons(node, desired(kernel_command_line=("iommu=pt",)))  # type: ignore[arg-type]
    assert words in reason


def test_metas() -> None:
    names = ("proxmox-kernel-6.8", "proxmox-kernel-6.8.12-8-pve-signed", "proxmox-default-headers", "pve-kernel-6.2")
    assert kernel_metas(dict.fromkeys(names, "1")) == (
        "proxmox-default-headers",
        "proxmox-kernel-6.8",
        "pve-kernel-6.2",
    )


def test_nothing_of_amd_but_the_driver() -> None:
    text = preferences(desired(), VERSION)
    assert f"Pin: version {VERSION}" in text
    assert "Package: *\nPin: release o=repo.radeon.com\nPin-Priority: -1\n" in text
