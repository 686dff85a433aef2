"""Small facts of a machine: kernel configuration, IOMMU, processor, root bus, RAS, ROCm, KFD's users, screens."""

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from rocmox.errors import CannotLookError
from rocmox.facts.dkms_driver import read_sees_p2p
from rocmox.facts.framebuffer import read_screens
from rocmox.facts.iommu import command_line_words, read_domain
from rocmox.facts.kernel_config import read_config
from rocmox.facts.kfd_users import parse_container, read_users
from rocmox.facts.module_parameters import read_parameter
from rocmox.facts.processor import read_processor
from rocmox.facts.ras import read_ras
from rocmox.facts.rocm import parse_architectures, parse_version, read_rocblas
from rocmox.facts.root_bus import parse_root, read_root_bus, shared_bridges
from rocmox.machine import Machine
from rocmox.machine.captured import CapturedMachine

Machines = Callable[[str], Machine]
Trees = Callable[[str], Path]


def test_the_kernel_configuration_is_found_in_the_next_place(fresh_tree: Trees) -> None:
    root = fresh_tree("mi50x1")
    (boot,) = (root / "boot").iterdir()
    text = boot.read_bytes()
    assert read_config(CapturedMachine(root)).source == "/boot/config-6.8.12-9-pve"
    boot.unlink()
    (root / "proc/config.gz").write_bytes(gzip.compress(text))
    config = read_config(CapturedMachine(root))
    assert (config.source, config.is_on("CONFIG_HSA_AMD_P2P")) == ("/proc/config.gz", True)
    (root / "proc/config.gz").write_bytes(b"no gzip")
    with pytest.raises(CannotLookError, match=r"/boot/config.*config\.gz.*/usr/lib/modules"):
        read_config(CapturedMachine(root))


def test_the_domain_of_a_card(gpu_machine: Machines) -> None:
    domain = read_domain(gpu_machine("mi50x3"), "0000:03:00.0")
    assert (domain.type, domain.translates, domain.group is not None) == ("identity", False, True)
    assert command_line_words({"quiet": "", "iommu": "pt", "intel_iommu": "on"}) == "iommu=pt intel_iommu=on"


def test_parameters(gpu_machine: Machines) -> None:
    assert read_parameter(gpu_machine("mi50x3"), "amdgpu", "pcie_p2p") == "Y"
    with pytest.raises(CannotLookError, match="not a module parameter"):
        read_parameter(gpu_machine("mi50x3"), "amdgpu", "../version")


def test_processors(gpu_machine: Machines) -> None:
    assert read_processor(gpu_machine("mi50x3")).vendor == "GenuineIntel"
    assert (read_processor(gpu_machine("w7900x2")).family, read_processor(gpu_machine("w7900x2")).model) == (25, 17)


def test_the_root_bus(gpu_machine: Machines) -> None:
    root = read_root_bus(gpu_machine("mi50x3"), "0000:06:00.0")
    assert (root.bus, root.first, root.device_id) == ("/sys/devices/pci0000:00", "0000:00:00.0", 0x2F00)
    assert parse_root("/sys/devices/LNXSYSTM:00/pci0001:80/0001:80:01.0") == "/sys/devices/LNXSYSTM:00/pci0001:80"


def test_bridges_that_two_cards_share() -> None:
    one = "/sys/devices/pci0000:00/0000:00:01.1/0000:10:00.0/0000:11:00.0/0000:12:00.0"
    other = "/sys/devices/pci0000:00/0000:00:01.1/0000:10:00.0/0000:11:08.0/0000:15:00.0"
    assert (shared_bridges(one, other), shared_bridges(one, "/sys/devices/pci0000:00/0000:00:02.0/0000:20:00.0")) == (
        2,
        0,
    )


def test_memory_errors(fresh_tree: Trees) -> None:
    root = fresh_tree("mi50x1")
    machine = CapturedMachine(root)
    facts = read_ras(machine, "0000:03:00.0")
    assert facts is not None
    assert (len(facts.counts), facts.features, facts.unreadable) == (8, 0x7F, {})
    assert all(count.is_real for count in facts.counts)


def test_rocm_and_its_libraries(tmp_path: Path) -> None:
    for folder in ("opt/rocm-6.3.3/lib/rocblas/library", "usr/lib/x86_64-linux-gnu/rocblas/3.2.0/library"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "opt/rocm-6.3.3/lib/rocblas/library/Kernels.so-000-gfx906-xnack-.hsaco").write_text("")
    (tmp_path / "opt/rocm").symlink_to("rocm-6.3.3")
    found = read_rocblas(CapturedMachine(tmp_path))
    assert [(library.folder, sorted(library.architectures)) for library in found] == [
        ("/opt/rocm/lib/rocblas/library", ["gfx906"]),
        ("/usr/lib/x86_64-linux-gnu/rocblas/3.2.0/library", []),
    ]
    assert parse_version("6.2.4-139") == (6, 2, 4)
    names = ["TensileLibrary_Type_HH_gfx90a.co", "TensileLibrary_lazy_gfx1100.dat", "agfx906", "gfx90"]
    assert parse_architectures(names) == {"gfx90a", "gfx1100"}


def test_nobody_computes(gpu_machine: Machines) -> None:
    assert read_users(gpu_machine("mi50x3")) == []
    assert parse_container("0::/lxc/101/ns/init.scope") == 101
    assert parse_container("0::/lxc.payload.105/init.scope\n") == 105
    assert parse_container("0::/system.slice/llama.service") is None


def test_screens(fresh_tree: Trees) -> None:
    root = fresh_tree("mi50x1")
    device = root / "sys/class/drm/card0/device"
    (device.resolve() / "boot_vga").write_text("1\n")
    (root / "sys/class/graphics/fb0").mkdir(parents=True)
    (root / "sys/class/graphics/fb0/device").symlink_to(device.resolve())
    (root / "sys/class/graphics/fbcon").mkdir()
    machine = CapturedMachine(root)
    assert read_screens(machine, "0000:03:00.0").boot is True


def test_sources_of_the_dkms_driver(tmp_path: Path) -> None:
    kbuild = tmp_path / "usr/src/amdgpu-6.8.5-2041575.24.04/amd/dkms/Kbuild"
    kbuild.parent.mkdir(parents=True)
    kbuild.write_text("ifdef CONFIG_DMABUF_MOVENOTIFY\n")
    assert read_sees_p2p(CapturedMachine(tmp_path))[1] is False
    kbuild.write_text("ifdef CONFIG_DMABUF_MOVE_NOTIFY\n")
    assert read_sees_p2p(CapturedMachine(tmp_path))[1] is True
    kbuild.write_text("")
    with pytest.raises(CannotLookError, match="asks for no DMA-buf option"):
        read_sees_p2p(CapturedMachine(tmp_path))
