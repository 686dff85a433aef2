"""Run by mmdebstrap on the machine's finished root: `python -m rocmox_lab.vm.image_root ROOT FOLDER`.

Fetches Debian's kernels with the root's own apt (so it works on any distribution), builds every package and repository
into FOLDER, and installs the first kernel into the root, initramfs included.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from importlib import resources
from pathlib import Path

from rocmox.machine import LocalMachine
from rocmox.machine.base import Completed
from rocmox_lab.vm import kernel_packages, repositories
from rocmox_lab.vm.kernels import Kernel, choose

_SECONDS = 900
_INITRAMFS_MODULES = ("virtio_pci", "virtio_blk", "virtio_net", "ext4")


def prepare(root: Path, folder: Path) -> None:
    """Do all of it; CommandError with the words of what failed."""
    (root / "build").mkdir()
    _place_boot_files(root)
    names = _in_root(root, "apt-cache", "pkgnames", "linux-image-6.1.0-").stdout.split()
    kernels = choose(names)
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        work = Path(temporary)
        built = [_build_kernel(kernel, root, folder / "debian/pve/pool", work) for kernel in kernels]
        fingerprints = repositories.publish(folder, built, work)
    (folder / "fingerprints.json").write_text(json.dumps(fingerprints) + "\n")
    _configure_apt(root, folder)
    _install_first(root, folder, kernels[0])
    (root / "build").rmdir()


def _in_root(root: Path, *argv: str) -> Completed:
    environment = {"DEBIAN_FRONTEND": "noninteractive", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    return (
        LocalMachine(root="/")
        .run(["chroot", str(root), *argv], timeout_seconds=_SECONDS, environment=environment)
        .check()
    )


def _build_kernel(kernel: Kernel, root: Path, pool: Path, work: Path) -> repositories.BuiltKernel:
    downloads = root / "build/kernels"
    downloads.mkdir()
    packages = (*kernel.debian_packages, "linux-kbuild-6.1")
    _in_root(root, "sh", "-c", f"cd /build/kernels && apt-get -qq download {' '.join(packages)}")
    debian = root / "build/debian"
    kernel_packages.unpack(sorted(downloads.glob("*.deb")), debian)
    _in_root(root, "depmod", "-b", "/build/debian", kernel.debian_release)
    shutil.rmtree(downloads)
    place = root / "build/modules"
    place.mkdir()
    kernel_packages.merge_headers(kernel, debian, place / "headers")
    module = _build_modules(root, place, work)
    kernel_packages.change_as_ubuntu_did(kernel, place / "headers")
    headers = kernel_packages.build_headers(kernel, place / "headers", work, pool)
    shutil.rmtree(place)
    image = kernel_packages.build_image(kernel, debian, work, pool, module)
    shutil.rmtree(debian)
    metas = kernel_packages.build_metas(kernel, work, pool)
    return repositories.BuiltKernel(kernel=kernel, image=image, headers=headers, metas=tuple(metas))


def _build_modules(root: Path, place: Path, work: Path) -> Path:
    """Compile both modules with the root's compiler; the headers keep what that has read. The release module's path."""
    for name in ("release", "amdgpu"):
        with resources.as_file(resources.files("rocmox_lab").joinpath("data/vm", name)) as data:
            shutil.copytree(data, place / name)
        _in_root(root, "make", "-s", "-C", "/build/modules/headers", f"M=/build/modules/{name}", "modules")
    kernel_packages.keep_what_was_read(place / "headers", [place / "release", place / "amdgpu"])
    return Path(shutil.copy2(place / "release/rocmox_release.ko", work))


def _place_boot_files(root: Path) -> None:
    data = resources.files("rocmox_lab").joinpath("data/vm")
    for name, place, mode in (
        ("proxmox-boot-tool", "usr/sbin/proxmox-boot-tool", 0o755),
        ("proxmox-boot-cleanup.service", "usr/lib/systemd/system/proxmox-boot-cleanup.service", 0o644),
        ("zz-proxmox-boot", "etc/kernel/postinst.d/zz-proxmox-boot", 0o755),
        ("zz-proxmox-boot", "etc/kernel/postrm.d/zz-proxmox-boot", 0o755),
        ("initramfs-hook", "etc/initramfs-tools/hooks/rocmox-release", 0o755),
        ("initramfs-script", "etc/initramfs-tools/scripts/init-top/rocmox-release", 0o755),
        ("grub.cfg", "etc/default/grub.d/rocmox-lab.cfg", 0o644),
        ("initramfs.conf", "etc/initramfs-tools/conf.d/rocmox-lab.conf", 0o644),
    ):
        target = root / place
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(data.joinpath(name).read_text(encoding="utf-8"))
        target.chmod(mode)
    wants = root / "etc/systemd/system/multi-user.target.wants/proxmox-boot-cleanup.service"
    wants.symlink_to("/usr/lib/systemd/system/proxmox-boot-cleanup.service")
    modules = root / "etc/initramfs-tools/modules"
    modules.write_text("".join(f"{name}\n" for name in _INITRAMFS_MODULES))


def _configure_apt(root: Path, folder: Path) -> None:
    """Proxmox's source as an installed host has it; Debian's go: what they offer is in the image already."""
    shutil.copy2(
        folder / "debian/proxmox-release-bookworm.asc", root / "usr/share/keyrings/proxmox-archive-keyring.asc"
    )
    _in_root(
        root,
        *("gpg", "--dearmor", "--output", "/usr/share/keyrings/proxmox-archive-keyring.gpg"),
        "/usr/share/keyrings/proxmox-archive-keyring.asc",
    )
    shutil.copy2(
        root / "usr/share/keyrings/proxmox-archive-keyring.gpg", folder / "debian/proxmox-release-bookworm.gpg"
    )
    for path in (root / "etc/apt/sources.list", *(root / "etc/apt/sources.list.d").iterdir()):
        path.unlink(missing_ok=True)
    signed = "signed-by=/usr/share/keyrings/proxmox-archive-keyring.gpg"
    line = f"deb [{signed}] http://10.0.2.80/debian/pve bookworm pve-no-subscription\n"
    (root / "etc/apt/sources.list.d/pve-no-subscription.list").write_text(line)


def _install_first(root: Path, folder: Path, kernel: Kernel) -> None:
    pool = folder / "debian/pve/pool"
    wanted = [
        f"{kernel.image_package}_{kernel.version}_amd64.deb",
        f"proxmox-kernel-6.8_{kernel.version}_all.deb",
        "proxmox-default-kernel_1.1.0_all.deb",
    ]
    place = root / "build/first"
    place.mkdir()
    for name in wanted:
        shutil.copy2(pool / name, place)
    _in_root(root, "dpkg", "--install", *(f"/build/first/{name}" for name in wanted))
    shutil.rmtree(place)


if __name__ == "__main__":
    prepare(Path(sys.argv[1]), Path(sys.argv[2]))
