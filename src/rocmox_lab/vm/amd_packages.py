"""AMD's packages for the lab: `amdgpu-dkms` with a small module that truly builds, its firmware, and bystanders.

The bystanders (`rocm-core`, `libdrm-amdgpu-amdgpu1`) are what a pin on a hypervisor must keep out.
"""

from __future__ import annotations

import shutil
from importlib import resources
from pathlib import Path

from rocmox_lab.apt_repository import Package, build_package

ROCM_VERSION = "6.2.4"
DKMS_VERSION = "6.8.5-2070769.24.04"
"""Version in dkms's tree; AMD's scheme: driver, build, Ubuntu release. The build's number is constructed."""
PACKAGE_VERSION = "1:6.8.5.60204-2070769.24.04"


def build_driver(work: Path, pool: Path) -> list[str]:
    """The driver's source and its firmware package; their paragraphs."""
    tree = work / "tree"
    source = tree / f"usr/src/amdgpu-{DKMS_VERSION}"
    with resources.as_file(resources.files("rocmox_lab").joinpath("data/vm/amdgpu")) as data:
        shutil.copytree(data, source)
    settings = source / "dkms.conf"
    settings.write_text(settings.read_text().replace("@VERSION@", DKMS_VERSION))
    for name, place in (
        ("70-amdgpu.rules", "etc/udev/rules.d"),
        ("amdgpu.conf", "usr/lib/modules-load.d"),
        ("blacklist-radeon.conf", "etc/modprobe.d"),
    ):
        (tree / place).mkdir(parents=True, exist_ok=True)
        (tree / place / name).write_text(_data(f"amdgpu-package/{name}"))
    scripts = {
        name: _data(f"amdgpu-package/{name}").replace("@VERSION@", DKMS_VERSION) for name in ("postinst", "prerm")
    }
    needs = f"dkms, kmod, amdgpu-dkms-firmware (= {PACKAGE_VERSION})"
    driver = Package(name="amdgpu-dkms", version=PACKAGE_VERSION, fields={"Depends": needs})
    paragraphs = [build_package(driver, tree, pool, scripts=scripts)]
    shutil.rmtree(tree)
    firmware = tree / "lib/firmware/updates/amdgpu"
    firmware.mkdir(parents=True)
    (firmware / "vega20_mec.bin").write_bytes(b"rocmox lab: no firmware\n")
    paragraphs.append(build_package(Package(name="amdgpu-dkms-firmware", version=PACKAGE_VERSION), tree, pool))
    shutil.rmtree(tree)
    return paragraphs


def build_bystanders(names: dict[str, str], work: Path, pool: Path) -> list[str]:
    """Packages (name → version) with nothing but a file of their own; their paragraphs."""
    paragraphs = []
    for name, version in names.items():
        tree = work / "tree"
        place = tree / "usr/share/doc" / name
        place.mkdir(parents=True)
        (place / "README").write_text(f"a stand-in for {name}\n")
        paragraphs.append(build_package(Package(name=name, version=version, architecture="amd64"), tree, pool))
        shutil.rmtree(tree)
    return paragraphs


def _data(name: str) -> str:
    return resources.files("rocmox_lab").joinpath("data/vm", name).read_text(encoding="utf-8")
