"""Texts of the tools of a node's host: recorded or constructed input, expected facts."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rocmox.errors import CannotLookError
from rocmox.facts import boot_tool, dkms, failed_builds, grub, kernels, openpgp, packages, secure_boot
from tests.unit.rocmox_lab.scripted_machine import ScriptedMachine

CASES = Path(__file__).parents[2] / "cases" / "host"
GRUB = (CASES / "grub.cfg").read_text()
OPENPGP = Path(__file__).parents[2] / "cases" / "openpgp"


def cases(name: str) -> list[Any]:
    return json.loads((CASES / f"{name}.json").read_text())


@pytest.mark.parametrize("case", cases("dkms_status"), ids=lambda case: case["why"])
def test_dkms_status(case: dict[str, Any]) -> None:
    found = [[m.name, m.version, m.kernel, m.state, m.note] for m in dkms.parse_status(case["text"])]
    assert found == case["expected"]


def test_a_replaced_module_is_none_that_the_kernel_loads_as_built() -> None:
    modules = dkms.parse_status(
        "amdgpu/6.8.5, 6.8.12-8-pve, x86_64: installed (WARNING! Diff between built and installed module!)"
    )
    assert dkms.installed_for(modules, "amdgpu", "6.8.12-8-pve") is None


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        (
            "make: Entering\n  CC [M] a.o\n a.c:5:3: error: too few arguments\nmake[1]: *** [a.o] Error 1\n",
            "a.c:5:3: error: too few arguments",
        ),
        (
            "make: x\nmake[2]: *** [scripts/Makefile.build:243: a.o] Killed\n",
            "make[2]: *** [scripts/Makefile.build:243: a.o] Killed",
        ),
        (
            'ERROR: modpost: "drm_x" [amdgpu.ko] undefined!\nmake: *** [m] Error 1\n',
            'ERROR: modpost: "drm_x" [amdgpu.ko] undefined!',
        ),
        (
            "a.c:1:10: fatal error: drm/x.h: No such file or directory\n",
            "a.c:1:10: fatal error: drm/x.h: No such file or directory",
        ),
        ("all is well\n", None),
    ],
)
def test_the_first_error_of_a_build(log: str, expected: str | None) -> None:
    assert dkms.first_error(log) == expected


def test_a_log_of_another_kernel_is_not_quoted() -> None:
    path = "/var/lib/dkms/amdgpu/6.8.5/build/make.log"
    machine = ScriptedMachine(
        files={path: "DKMS make.log for amdgpu-6.8.5 for kernel 6.8.12-9-pve (x86_64)\na.c:1: error: b\n"}
    )
    assert dkms.read_first_error(machine, "amdgpu", "6.8.5", "6.8.12-9-pve") == ("a.c:1: error: b", path)
    assert dkms.read_first_error(machine, "amdgpu", "6.8.5", "6.8.12-7-pve") is None


@pytest.mark.parametrize("case", cases("kernel_list"), ids=lambda case: case["why"])
def test_kernel_list(case: dict[str, Any]) -> None:
    found = boot_tool.parse_kernel_list(case["text"])
    assert {
        "manual": list(found.manual),
        "automatic": list(found.automatic),
        "pinned": found.pinned,
        "next_boot": found.next_boot,
    } == case["expected"]


def test_a_usage_text_is_no_kernel_list() -> None:
    with pytest.raises(CannotLookError, match="names no kernels"):
        boot_tool.parse_kernel_list("USAGE: proxmox-boot-tool <commands> [ARGS]\n")


def test_boot_loaders_of_the_esps() -> None:
    line = "2F70-1 is configured with: uefi (versions: 6.8.12-8-pve), grub (versions: 6.8.12-8-pve)\n"
    text = f"System currently booted with uefi\n{line}"
    assert boot_tool.parse_loaders(text) == ("systemd-boot", "grub")
    assert boot_tool.parse_loaders("2F70-1 is configured with: grub (versions: 6.8.12-8-pve)\n") == ("grub",)


@pytest.mark.parametrize("case", cases("secure_boot"), ids=lambda case: case["why"])
def test_secure_boot(case: dict[str, Any]) -> None:
    assert secure_boot.parse_state(case["text"]) is case["expected"]


def test_other_words_of_mokutil_are_unknown() -> None:
    with pytest.raises(CannotLookError):
        secure_boot.parse_state("Failed to read SecureBoot\n")


@pytest.mark.parametrize(
    ("choice", "kernel"),
    [
        ("gnulinux-advanced-1111>gnulinux-6.8.12-8-pve-advanced-1111", "6.8.12-8-pve"),
        ("0", "6.8.12-9-pve"),
        ("1>2", "6.8.12-8-pve"),
        ("1", "6.8.12-9-pve"),
        ("Advanced options for Proxmox VE GNU/Linux>Proxmox VE GNU/Linux, with Linux 6.8.12-8-pve", "6.8.12-8-pve"),
        ("gnulinux-advanced-2222>gnulinux-6.8.12-8-pve-advanced-2222", None),
        ("2", None),
        ("9", None),
    ],
)
def test_what_a_choice_in_grubs_menu_boots(choice: str, kernel: str | None) -> None:
    assert grub.kernel_of(grub.parse_menu(GRUB), choice) == kernel


HOSTILE_MENUS = {
    "blank lines": "\n" * 400_000,
    "quotation marks and braces": "menuentry '" + "'{" * 200_000 + "\n",
    "menus in menus": "submenu 'a' {\n" * 20_000,
    "spaces after a value": "set default=" + " " * 400_000 + "x\n",
    "an identity without end": "menuentry 'a' --id " + "--id " * 80_000 + "{\n",
}


@pytest.mark.parametrize("name", HOSTILE_MENUS)
def test_a_hostile_menu_takes_no_longer_than_its_length(name: str) -> None:
    text = HOSTILE_MENUS[name]
    began = time.process_time()
    menu = grub.parse_menu(text)
    grub.parse_default(text, {})
    assert time.process_time() - began < 2
    assert grub.kernel_of(menu, "0") is None


def test_a_menu_with_braces_and_quotation_marks_in_its_titles() -> None:
    entry = "\tlinux\t/boot/vmlinuz-6.8.12-9-pve root=/dev/sda1 ro quiet\n"
    text = f"if [ x ]; then\nmenuentry \"Debian's {{own}}\" --id 'one' {{\n{entry}}}\nfi\n"
    text += f"submenu 'More' $menuentry_id_option 'more' {{\n\tmenuentry 'b' {{\n{entry}\t}}\n}}\n"
    menu = grub.parse_menu(text)
    assert [(each.title, each.identity, each.kernel) for each in menu] == [
        ("Debian's {own}", "one", "6.8.12-9-pve"),
        ("More", "more", None),
    ]
    assert grub.kernel_of(menu, "more>0") == "6.8.12-9-pve"
    assert grub.parse_default("set default='1>0'\n", {}) == "1>0"
    assert grub.parse_default("  set default=2  \n", {}) == "2"


def test_what_grub_boots_by_default() -> None:
    assert grub.read_default_kernel(ScriptedMachine(files={grub.CONFIG: GRUB})) == "6.8.12-8-pve"
    once = {grub.CONFIG: GRUB, "/boot/grub/grubenv": "# GRUB Environment Block\nnext_entry=0\n#######"}
    assert grub.read_default_kernel(ScriptedMachine(files=once)) == "6.8.12-9-pve"
    lost = GRUB.replace('gnulinux-6.8.12-8-pve-advanced-1111"', 'gnulinux-6.5-advanced-1111"')
    assert grub.read_default_kernel(ScriptedMachine(files={grub.CONFIG: lost})) == "6.8.12-9-pve"


def test_saved_entry() -> None:
    assert grub.parse_default('set default="${saved_entry}"\n', {"saved_entry": "1>2"}) == "1>2"
    assert grub.parse_default('set default="${saved_entry}"\n', {}) == "0"


@given(st.text())
def test_any_text_is_a_menu(text: str) -> None:
    assert isinstance(grub.parse_menu(text), tuple)


def test_kernels_sort_by_number() -> None:
    names = [
        "vmlinuz-6.8.12-10-pve",
        "initrd.img-6.8.12-9-pve",
        "vmlinuz-6.8.12-9-pve",
        "vmlinuz-6.11.0-1-pve",
        "vmlinuz.old",
    ]
    assert kernels.parse_images(names) == ("6.8.12-9-pve", "6.8.12-10-pve", "6.11.0-1-pve")


@pytest.mark.parametrize(
    ("package", "release"),
    [
        ("proxmox-kernel-6.8.12-9-pve-signed", "6.8.12-9-pve"),
        ("proxmox-kernel-6.8.12-9-pve", "6.8.12-9-pve"),
        ("pve-kernel-6.2.16-3-pve", "6.2.16-3-pve"),
        ("proxmox-kernel-6.8", None),
        ("proxmox-default-kernel", None),
        ("pve-firmware", None),
    ],
)
def test_the_kernel_of_a_package(package: str, release: str | None) -> None:
    assert kernels.release_of(package) == release


def test_headers_are_named_after_the_release() -> None:
    assert kernels.headers_packages("6.8.12-9-pve", pve_major=8)[0] == "proxmox-headers-6.8.12-9-pve"
    assert kernels.headers_packages("5.15.39-1-pve", pve_major=7)[0] == "pve-headers-5.15.39-1-pve"


POLICY = """amdgpu-dkms:
  Installed: 1:6.8.5.60204-2070768.24.04
  Candidate: 1:6.8.5.60204-2070768.24.04
  Version table:
 *** 1:6.8.5.60204-2070768.24.04 1001
        600 https://repo.radeon.com/amdgpu/6.2.4/ubuntu noble/main amd64 Packages
        100 /var/lib/dpkg/status
     1:6.8.5.60200-2009582.24.04 -1
        -1 https://repo.radeon.com/amdgpu/6.2/ubuntu noble/main amd64 Packages
proxmox-headers-6.8.12-9-pve:
  Installed: (none)
  Candidate: 6.8.12-9
  Version table:
     6.8.12-9 500
        500 http://download.proxmox.com/debian/pve bookworm/pve-no-subscription amd64 Packages
"""


def test_policy() -> None:
    found = packages.parse_policy(POLICY)
    assert found["amdgpu-dkms"].versions == ("1:6.8.5.60204-2070768.24.04", "1:6.8.5.60200-2009582.24.04")
    assert found["proxmox-headers-6.8.12-9-pve"].installed is None
    assert found["proxmox-headers-6.8.12-9-pve"].candidate == "6.8.12-9"


def test_depends() -> None:
    needs = "pve-firmware, proxmox-kernel-6.8.12-9-pve-signed | proxmox-kernel-6.8.12-9-pve (>= 1)"
    show = f"Package: proxmox-kernel-6.8\nDepends: {needs}\n\nPackage: x\nDepends: y\n"
    assert packages.parse_depends(show) == (
        ("pve-firmware",),
        ("proxmox-kernel-6.8.12-9-pve-signed", "proxmox-kernel-6.8.12-9-pve"),
    )
    assert packages.parse_depends("") == ()


def test_half_done_packages() -> None:
    lines = ["installed ok dkms", "half-configured ok amdgpu-dkms", "config-files ok old"]
    text = "\n".join([*lines, "half-installed reinstreq x", "triggers-pending ok man-db"])
    machine = ScriptedMachine(lambda _: (0, text, ""))
    assert packages.read_broken(machine) == ("amdgpu-dkms (half-configured)", "x (half-installed)")


def test_a_torn_record_is_none() -> None:
    build = failed_builds.FailedBuild(
        kernel="6.8.12-10-pve", module="amdgpu", error="a.c: error: b", log="/x", time="t"
    )
    text = failed_builds.record_text(build)
    assert failed_builds.parse_record(text) == build
    assert failed_builds.parse_record(text[:20]) is None


def test_armour_goes_there_and_back() -> None:
    blob = b"\x98\x33\x04" + bytes(50)
    fingerprint = openpgp.fingerprint_of(blob[2:])
    assert openpgp.keys(openpgp.armor(blob).encode()) == {fingerprint: blob}


def test_a_page_is_no_key() -> None:
    with pytest.raises(ValueError, match="not an OpenPGP"):
        openpgp.keys(b"<html>log in</html>")
