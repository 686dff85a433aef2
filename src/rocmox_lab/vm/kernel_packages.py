"""Builds the packages of one kernel out of Debian's unpacked ones."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from rocmox.machine import LocalMachine
from rocmox_lab.apt_repository import Package, build_package
from rocmox_lab.vm.kernels import (
    BROKEN_SINCE,
    MODULES,
    RELEASES,
    SERIES,
    UNUSED_HEADERS,
    Kernel,
    with_dependencies,
    without_state_parameter,
)

_UNPACK_SECONDS = 300
_HEADER = "include/drm/display/drm_dp_mst_helper.h"
_KEPT_CONFIG = frozenset({"auto.conf", "auto.conf.cmd", "kernel.release"})


def unpack(debs: Sequence[Path], target: Path) -> None:
    """Unpack .deb files over each other."""
    for deb in debs:
        LocalMachine(root="/").run(["dpkg-deb", "-x", str(deb), str(target)], timeout_seconds=_UNPACK_SECONDS).check()


def build_headers(kernel: Kernel, headers: Path, work: Path, pool: Path) -> str:
    """`proxmox-headers-…`: a tree in /usr/src (`headers` is used up), and the link `build` that dkms follows."""
    tree = work / "tree"
    place = f"usr/src/linux-headers-{kernel.release}"
    (tree / "usr/src").mkdir(parents=True)
    shutil.move(headers, tree / place)
    modules = tree / "lib/modules" / kernel.release
    modules.mkdir(parents=True)
    (modules / "build").symlink_to(f"/{place}")
    provided = f"linux-headers-{kernel.release}-amd64, pve-headers-{kernel.release}"
    package = Package(
        name=kernel.headers_package,
        version=kernel.version,
        architecture="amd64",
        fields={"Section": "devel", "Provides": provided, "Depends": "gcc-12"},
    )
    paragraph = build_package(package, tree, pool)
    shutil.rmtree(tree)
    return paragraph


def keep_what_was_read(headers: Path, built: Sequence[Path]) -> None:
    """Remove the C headers that no build of `built` (folders of modules) has read: each costs a moment to unpack.

    What was read stands in the `.cmd` files that kbuild leaves (scripts/basic/fixdep.c).
    """
    commands = [path.read_text() for folder in built for path in folder.rglob(".*.cmd")]
    marker = f"/{headers.name}/"
    words = {word for text in commands for word in re.split(r"[\s()]+", text)}
    read = {word.partition(marker)[2] or word.removeprefix("./") for word in words}
    for path in [*(headers / "include").rglob("*.h"), *(headers / "arch").rglob("*.h")]:
        name = str(path.relative_to(headers))
        if name not in read and "generated" not in name and not path.is_symlink():
            path.unlink()


def merge_headers(kernel: Kernel, debian: Path, target: Path) -> None:
    """Debian's three packages of headers as one tree, under the kernel's release."""
    own = debian / f"usr/src/linux-headers-{kernel.debian_release}"
    common = debian / f"usr/src/linux-headers-{kernel.debian_release.removesuffix('amd64')}common"
    kbuild = next((debian / "usr/lib").glob("linux-kbuild-*"))
    other = [path.name for path in (common / "arch").iterdir() if path.is_dir() and path.name != "x86"]
    shutil.copytree(common, target, symlinks=True, ignore=shutil.ignore_patterns("scripts", "tools"))
    for name in other:
        shutil.rmtree(target / "arch" / name)
    for name in ("arch", "include"):
        shutil.copytree(own / name, target / name, symlinks=True, dirs_exist_ok=True)
    for name in (".config", "Module.symvers"):
        shutil.copy2(own / name, target / name)
    for name in ("scripts", "tools"):
        shutil.copytree(kbuild / name, target / name, symlinks=True)
    for name in UNUSED_HEADERS:
        shutil.rmtree(target / name, ignore_errors=True)
    for path in (target / "include/config").iterdir():
        if path.name not in _KEPT_CONFIG:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    _rename(kernel, target)


def _rename(kernel: Kernel, headers: Path) -> None:
    (headers / "include/generated/utsrelease.h").write_text(f'#define UTS_RELEASE "{kernel.release}"\n')
    (headers / "include/config/kernel.release").write_text(f"{kernel.release}\n")
    # Debian's own file of this name, read by its Makefile, says the same of its own release.
    settings = ("override ARCH = x86", f"override KERNELRELEASE = {kernel.release}", "CC = $(CROSS_COMPILE)gcc-12")
    (headers / ".kernelvariables").write_text("\n".join(settings) + "\n")


def change_as_ubuntu_did(kernel: Kernel, headers: Path) -> None:
    """From one kernel on the driver's call does not compile any more."""
    if RELEASES.index(kernel.release) >= RELEASES.index(BROKEN_SINCE):
        path = headers / _HEADER
        path.write_text(without_state_parameter(path.read_text()))


def build_image(kernel: Kernel, debian: Path, work: Path, pool: Path, release_module: Path) -> str:
    """`proxmox-kernel-…-signed`: kernel, configuration, modules, and the module that gives it its name.

    depmod has been run on `debian`.
    """
    tree = work / "tree"
    boot, modules = tree / "boot", tree / "lib/modules" / kernel.release
    boot.mkdir(parents=True)
    for name in ("vmlinuz", "config", "System.map"):
        shutil.copy2(debian / f"boot/{name}-{kernel.debian_release}", boot / f"{name}-{kernel.release}")
    _copy_modules(debian, kernel, modules)
    shutil.copy2(release_module, modules / "kernel" / release_module.name)
    package = Package(
        name=kernel.image_package,
        version=kernel.version,
        architecture="amd64",
        fields={
            "Provides": f"linux-image-{kernel.release}-amd64, proxmox-kernel-{kernel.release}",
            "Depends": "busybox, initramfs-tools | linux-initramfs-tool",
        },
    )
    scripts = {name: _script(f"kernel.{name}", kernel) for name in ("postinst", "postrm")}
    paragraph = build_package(package, tree, pool, scripts=scripts)
    shutil.rmtree(tree)
    return paragraph


def _copy_modules(debian: Path, kernel: Kernel, target: Path) -> None:
    source = debian / "lib/modules" / kernel.debian_release
    target.mkdir(parents=True)
    for name in ("modules.builtin", "modules.builtin.modinfo"):
        shutil.copy2(source / name, target / name)
    chosen = with_dependencies(MODULES, (source / "modules.dep").read_text())
    order = [line for line in (source / "modules.order").read_text().splitlines() if line in chosen]
    (target / "modules.order").write_text("".join(f"{line}\n" for line in order))
    for path in sorted(chosen):
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source / path, target / path)


def _script(name: str, kernel: Kernel) -> str:
    text = resources.files("rocmox_lab").joinpath("data/vm", name).read_text(encoding="utf-8")
    return text.replace("@RELEASE@", kernel.release)


def build_metas(kernel: Kernel, work: Path, pool: Path) -> list[str]:
    """The packages that mean "the newest of the series" and "the newest of the release", up to this kernel."""
    images = f"{kernel.image_package} | proxmox-kernel-{kernel.release}"
    metas = {
        f"proxmox-kernel-{SERIES}": (images, "linux-image-amd64, linux-image-generic"),
        f"proxmox-headers-{SERIES}": (kernel.headers_package, "linux-headers-amd64, linux-headers-generic"),
        "proxmox-default-kernel": (f"proxmox-kernel-{SERIES}", "pve-kernel-6.2"),
        "proxmox-default-headers": (f"proxmox-headers-{SERIES}", "pve-headers"),
    }
    paragraphs = []
    for name, (needs, provides) in metas.items():
        default = name.startswith("proxmox-default-")
        if default and kernel.release != RELEASES[0]:
            continue
        package = Package(
            name=name,
            version="1.1.0" if default else kernel.version,
            fields={"Depends": needs, "Provides": provides},
        )
        paragraphs.append(build_package(package, work / "meta", pool))
        shutil.rmtree(work / "meta")
    return paragraphs
