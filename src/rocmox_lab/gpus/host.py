"""The kernel around the cards: `/proc`, `/sys/module` and `/boot/config-…` of a PVE host."""

from __future__ import annotations

from collections.abc import Iterator

from rocmox_lab.gpus.nodes import DRM_MAJOR, KFD_MAJOR
from rocmox_lab.gpus.profiles import Profile
from rocmox_lab.gpus.tree import Tree

# Options of PVE's kernel that decide about P2P, MES and module signatures (Ubuntu's annotations).
_CONFIG = (
    "CONFIG_PCI_P2PDMA=y",
    "CONFIG_DMABUF_MOVE_NOTIFY=y",
    "CONFIG_DRM_AMDGPU=m",
    "CONFIG_HSA_AMD=y",
    "CONFIG_HSA_AMD_SVM=y",
    "CONFIG_HSA_AMD_P2P=y",
    "CONFIG_INTEL_IOMMU_DEFAULT_ON=y",
    "CONFIG_IOMMU_DEFAULT_DMA_LAZY=y",
    "CONFIG_MODULE_SIG=y",
)
_PARAMETERS = {
    "pcie_p2p": "Y",
    "mes": "0",
    "mes_kiq": "0",
    "mes_log_enable": "0",
    "uni_mes": "1",
    "sched_policy": "0",
    "gpu_recovery": "-1",
    "lockup_timeout": "",
    "runpm": "-1",
    "vm_fragment_size": "-1",
    "ppfeaturemask": "0xfff7bfff",
}


def write_host(tree: Tree, profile: Profile, release: str) -> None:
    """The running kernel, its devices and modules."""
    words = f"BOOT_IMAGE=/boot/vmlinuz-{release} root=/dev/mapper/pve-root ro quiet {profile.board.iommu_words}"
    tree.file("/proc/cmdline", words)
    compiler = "gcc (Debian 12.2.0-14+deb12u1) 12.2.0, GNU ld (GNU Binutils for Debian) 2.40"
    build = release.removesuffix("-pve")
    tree.file(
        "/proc/version", f"Linux version {release} (build@proxmox) ({compiler}) #1 SMP PREEMPT_DYNAMIC PMX {build}"
    )
    tree.file("/proc/sys/kernel/osrelease", release)
    tree.file("/proc/cpuinfo", "\n\n".join(_processors(profile)) + "\n")
    config = "\n".join(
        ("#", "# Automatically generated file; DO NOT EDIT.", f"# Linux/x86 {build} Kernel Configuration")
    )
    tree.file(f"/boot/config-{release}", "\n".join((config, "#", *_CONFIG)))
    drivers = [(1, "mem"), (4, "tty"), (5, "/dev/tty"), (10, "misc"), (13, "input"), (136, "pts"), (DRM_MAJOR, "drm")]
    if profile.cards:
        drivers.append((KFD_MAJOR, "kfd"))
        _write_module(tree)
    characters = "\n".join(f"{major:3} {name}" for major, name in drivers)
    tree.file(
        "/proc/devices", f"Character devices:\n{characters}\n\nBlock devices:\n  7 loop\n  8 sd\n253 device-mapper"
    )
    tree.file("/proc/modules", "\n".join(_modules(profile)))


def _processors(profile: Profile) -> Iterator[str]:
    """One block for each logical processor (arch/x86/kernel/cpu/proc.c); those lines that tools read."""
    processor = profile.board.processor
    for number in range(profile.board.logical_processors):
        lines = (
            f"processor\t: {number}",
            f"vendor_id\t: {processor.vendor}",
            f"cpu family\t: {processor.family}",
            f"model\t\t: {processor.model}",
            f"model name\t: {processor.name}",
            f"cpu MHz\t\t: {profile.board.processor_mhz}.000",
        )
        yield "\n".join(lines)


def _write_module(tree: Tree) -> None:
    module = "/sys/module/amdgpu"
    tree.files(module, {"initstate": "live", "refcnt": "0", "coresize": "17018880", "taint": ""})
    tree.files(f"{module}/parameters", _PARAMETERS)
    tree.link(f"{module}/drivers/pci:amdgpu", "/sys/bus/pci/drivers/amdgpu")
    tree.link("/sys/bus/pci/drivers/amdgpu/module", module)


def _modules(profile: Profile) -> list[str]:
    address = "0x0000000000000000"
    amdgpu = (
        f"amdgpu 17018880 0 - Live {address}",
        f"amdxcp 12288 1 amdgpu, Live {address}",
        f"gpu_sched 61440 1 amdgpu, Live {address}",
    )
    display = (f"ast 77824 0 - Live {address}",) if profile.board.has_bmc_display else ()
    return [*(amdgpu if profile.cards else ()), *display, f"vhost_net 32768 0 - Live {address}"]
