"""Every parser against what strangers send: truncated, binary, huge, repeated, spliced. Facts, or why there are none.

Never a traceback, never a hang: each case has a time limit, and the patterns' worst texts are tried at length.
"""

import contextlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rocmox.errors import CannotLookError, RocmoxError
from rocmox.facts import (
    aer,
    amdgpu,
    bar,
    config_space,
    container_config,
    dkms_driver,
    drm,
    firmware,
    framebuffer,
    gpu_metrics,
    hwmon,
    iommu,
    kernel,
    kernel_config,
    kfd,
    kfd_users,
    module_parameters,
    pci,
    processor,
    ras,
    rocm,
    root_bus,
)
from rocmox.facts.posted import KINDS, parse_posted
from rocmox_lab.gpus.config_space import config_space as lab_config_space
from rocmox_lab.gpus.metrics import idle_metrics

CASES = Path(__file__).parents[2] / "cases/posted"
MOST_SECONDS = 2.0
LONG = 60_000

# Parser → a text that it understands.
TEXTS: dict[str, tuple[Callable[[str], Any], str]] = {
    "aer": (aer.parse_counters, "RxErr 0\nTOTAL_ERR_COR 3\n"),
    "unique id": (amdgpu.parse_unique_id, "1a5c9e3072d4860f"),
    "resource": (bar.parse_resource, "0x0000010000000000 0x00000103ffffffff 0x000000000014220c\n"),
    "bar sizes": (bar.parse_sizes, "00000000000fff00"),
    "container": (lambda text: container_config.parse_config(101, text), "dev0: /dev/kfd,gid=992\nhostname: llm\n"),
    "device": (lambda text: container_config.parse_device("dev0", text), "/dev/kfd,gid=992,mode=0660"),
    "kbuild": (dkms_driver.parse_kbuild, "ifdef CONFIG_DMABUF_MOVENOTIFY\n"),
    "minor": (drm.parse_minor, "renderD128"),
    "firmware": (firmware.parse_firmware_info, "MES feature version: 1, firmware version: 0x00000054\n"),
    "boot vga": (framebuffer.parse_boot_vga, "1"),
    "sensors": (
        lambda text: hwmon.parse_sensors({"temp1_input": text, "temp1_crit": text, "power1_cap": text}),
        "1000",
    ),
    "iommu type": (iommu.parse_type, "DMA-FQ"),
    "command line": (kernel.parse_command_line, "quiet iommu=pt"),
    "kernel config": (kernel_config.parse_config, "CONFIG_PCI_P2PDMA=y\n# CONFIG_X is not set\n"),
    "kfd node": (lambda text: kfd.parse_node(1, text), "cpu_cores_count 0\nsimd_count 240\nlocation_id 768\n"),
    "kfd link": (kfd.parse_link, "type 2\nnode_from 1\nnode_to 2\nflags 3\n"),
    "cgroup": (kfd_users.parse_container, "0::/lxc/101/ns/init.scope\n"),
    "switch": (module_parameters.parse_switch, "Y"),
    "address": (pci.parse_address, "0000:03:00.0"),
    "speed": (pci.parse_speed, "8.0 GT/s PCIe"),
    "cpuinfo": (processor.parse_cpuinfo, "vendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 63\n"),
    "ras count": (lambda text: ras.parse_count("umc", text), "ue: 0\nce: 2\n"),
    "ras features": (ras.parse_features, "feature mask: 0x7f"),
    "rocm version": (rocm.parse_version, "6.2.4-139"),
    "architectures": (lambda text: rocm.parse_architectures(text.splitlines()), "TensileLibrary_lazy_gfx906.dat\n"),
    "root bus": (root_bus.parse_root, "/sys/devices/pci0000:00/0000:00:01.0"),
}
SAMPLES = {
    "kfd_node": "kfd-head.txt",
    "fw_info": "firmware.txt",
    "rocm_bandwidth_test": "bandwidth.txt",
    "rocminfo": "rocminfo.txt",
    "lspci": "lspci-mail.txt",
    "rocm_smi": "rocm-smi.txt",
    "lxc_conf": "container.txt",
    "groups_devs": "devices.txt",
    "bar_dmesg": "bar-log.txt",
}
OWN = {
    "dkms_status": "amdgpu/6.9.1-1, 6.8.12-9-pve, x86_64: built\nAutoinstall of module amdgpu/6.9.1-2 for kernel 6.8\n",
    "sysfs_dev": "==> mem_info_vram_total <==\n17163091968\n==> hwmon/hwmon2/temp1_input <==\n34000\n",
    "amd_smi": json.dumps([{"gpu": 0, "asic": {"market_name": "X"}}]),
    "gpu_metrics": "temperature_edge: 38\nthrottle_status: 0\n",
    "hwmon": "amdgpu-pci-0b00\nedge:  +53.0°C  (crit = +100.0°C)\n",
    "pve_boot": "Automatically selected kernels:\n6.8.12-9-pve\n\nPinned kernel:\n6.8.12-9-pve\n",
}
for each in KINDS:
    sample = (CASES / SAMPLES[each]).read_text(encoding="utf-8") if each in SAMPLES else OWN[each]
    TEXTS[f"posted {each}"] = (lambda text, kind=each: parse_posted(kind, text), sample)
BYTES: dict[str, tuple[Callable[[bytes], Any], bytes]] = {
    "metrics v1_0": (
        gpu_metrics.parse_metrics,
        idle_metrics(revision=(1, 0), watts=18, celsius=34, link_width=16, link_tenths_gts=80),
    ),
    "metrics v1_3": (
        gpu_metrics.parse_metrics,
        idle_metrics(revision=(1, 3), watts=18, celsius=34, link_width=16, link_tenths_gts=160),
    ),
    "metrics v1_9": (
        gpu_metrics.parse_metrics,
        b"\x20\x00\x01\x09\x01\x00\x00\x00" + (2 << 24 | 2 << 20 | 1).to_bytes(8, "little") + b"\x37\x00",
    ),
    "acs": (
        config_space.parse_acs,
        lab_config_space(ids=(1, 2), pci_class=0x060400, revision=0, is_bridge=True, acs_control=0x1D),
    ),
    "config.gz": (
        kernel_config.parse_compressed,
        b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00",
    ),
}
HOSTILE = st.one_of(st.text(max_size=300), st.text(alphabet="0123456789abcdefx:.,= \n\t>[]()-", max_size=400))


def survives(parser: Callable[[Any], Any], content: str | bytes) -> None:
    started = time.monotonic()
    with contextlib.suppress(RocmoxError):
        parser(content)
    assert time.monotonic() - started < MOST_SECONDS


@pytest.mark.parametrize("name", [*TEXTS, *BYTES])
def test_the_sample_is_understood(name: str) -> None:
    parser, content = (TEXTS | BYTES)[name]
    parser(content)


@pytest.mark.parametrize("name", TEXTS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=HOSTILE, cut=st.integers(0, 2000), place=st.integers(0, 2000))
def test_any_text(name: str, text: str, cut: int, place: int) -> None:
    parser, content = TEXTS[name]
    survives(parser, text)
    survives(parser, content[: cut % (len(content) + 1)])
    at = place % (len(content) + 1)
    survives(parser, content[:at] + text + content[at:])


@pytest.mark.parametrize("name", BYTES)
@settings(max_examples=60, deadline=None)
@given(noise=st.binary(max_size=200), cut=st.integers(0, 5000), place=st.integers(0, 5000))
def test_any_bytes(name: str, noise: bytes, cut: int, place: int) -> None:
    parser, content = BYTES[name]
    at = place % (len(content) + 1)
    for case in (noise, content[: cut % (len(content) + 1)], content[:at] + noise + content[at + len(noise) :]):
        survives(parser, case)


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize(
    "unit", ["a", " ", "0", "\n", "GPU0 ", "==> x <==\n", "00:00.0 a: ", "N/A  ", "=", "0x0, ", "-> "]
)
def test_a_long_monotone_text_ends_in_time(name: str, unit: str) -> None:
    survives(TEXTS[name][0], unit * (LONG // len(unit)))


@pytest.mark.parametrize("name", TEXTS)
def test_a_sample_a_thousand_times_ends_in_time(name: str) -> None:
    parser, content = TEXTS[name]
    survives(parser, (content * 1000)[: 4 * LONG])


def test_a_configuration_that_inflates_without_end_is_refused() -> None:
    import zlib  # noqa: PLC0415 - this case alone needs it

    maker = zlib.compressobj(wbits=31)
    bomb = maker.compress(b"\0" * (32 << 20)) + maker.flush()
    with pytest.raises(CannotLookError, match="not a kernel configuration"):
        kernel_config.parse_compressed(bomb)
