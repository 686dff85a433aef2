"""Proxmox VE's kernel and header packages around Debian's real ones: names, selection and content.

Debian's archive keeps several `linux-image-6.1.0-NN-amd64` side by side; which ones is found out when they are needed.
The drivers of hardware that a QEMU machine lacks are left out, and so are the headers that only they include.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence

SERIES = "6.8"
# From the oldest Debian kernel in the archive's last three to the newest: A, B and C of the scenarios.
RELEASES = ("6.8.12-8-pve", "6.8.12-9-pve", "6.8.12-10-pve")
BROKEN_SINCE = RELEASES[2]
"""From here on the headers have lost the parameter that AMD's driver for ROCm 6.2.0 still passes."""

_IMAGE = re.compile(r"linux-image-(\d+\.\d+\.\d+-(\d+)-amd64)$")

# What the machine's disk, network and containers need; what these depend on is added (modules.dep).
MODULES = (
    *("virtio_blk", "virtio_net", "virtio_pci", "virtio_rng", "ext4", "crc32c_generic", "crc32c-intel", "rng-core"),
    *("loop", "overlay", "fuse", "autofs4", "configfs", "tun", "veth", "bridge", "br_netfilter", "af_packet", "unix"),
    *("ip_tables", "iptable_filter", "iptable_nat", "ip6_tables", "ip6table_filter", "x_tables", "nf_tables"),
    *("nft_compat", "nft_chain_nat", "xt_MASQUERADE", "xt_conntrack", "xt_tcpudp", "xt_comment", "nf_conntrack"),
    *("dm-mod", "binfmt_misc", "nls_ascii", "nls_utf8", "tcp_diag", "inet_diag"),
)
# Below the headers; no driver that is built out of the tree includes them, and each file costs a moment to unpack.
UNUSED_HEADERS = (
    "include/dt-bindings",
    "include/sound",
    "include/media",
    "include/rdma",
    "include/soc",
    "include/scsi",
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Kernel:
    """One kernel: Debian's release (`6.1.0-54-amd64`) under Proxmox VE's (`6.8.12-9-pve`)."""

    debian_release: str
    release: str

    @property
    def version(self) -> str:
        """The packages' version: 6.8.12-9."""
        return self.release.removesuffix("-pve")

    @property
    def image_package(self) -> str:
        return f"proxmox-kernel-{self.release}-signed"

    @property
    def headers_package(self) -> str:
        return f"proxmox-headers-{self.release}"

    @property
    def debian_packages(self) -> tuple[str, ...]:
        """What is fetched from Debian's archive for it; kbuild's tools are common to all."""
        common = self.debian_release.removesuffix("amd64") + "common"
        return (
            f"linux-image-{self.debian_release}",
            f"linux-headers-{self.debian_release}",
            f"linux-headers-{common}",
        )


def choose(names: Sequence[str]) -> tuple[Kernel, ...]:
    """A kernel for each release, out of the archive's package names; the newest ones. ValueError when too few."""
    found = sorted({(int(match[2]), match[1]) for name in names if (match := _IMAGE.match(name))})[-len(RELEASES) :]
    if len(found) < len(RELEASES):
        raise ValueError(f"{len(found)} kernels of the series 6.1 instead of {len(RELEASES)}")
    return tuple(
        Kernel(debian_release=debian, release=release) for (_, debian), release in zip(found, RELEASES, strict=True)
    )


def with_dependencies(wanted: Sequence[str], modules_dep: str) -> set[str]:
    """Paths of the wanted modules and of all that they need, out of modules.dep; built-in ones are no file."""
    lines = (line.partition(":") for line in modules_dep.splitlines())
    needs = {path: rest.split() for path, _, rest in lines}
    names = {module_name(name) for name in wanted}
    chosen = {path for path in needs if module_name(path) in names}
    return chosen.union(*(needs[path] for path in chosen)) if chosen else set()


def module_name(path: str) -> str:
    """`kernel/drivers/block/virtio_blk.ko` → `virtio_blk`; the kernel takes - and _ for the same."""
    return path.rpartition("/")[2].partition(".ko")[0].replace("-", "_")


def without_state_parameter(header: str) -> str:
    """drm_dp_mst_helper.h as Ubuntu's 6.8.0-44 had it; ValueError when the declaration is not the one known."""
    declared = re.compile(r"(int drm_dp_add_payload_part2\([^;]*?)\s*struct drm_atomic_state \*state,")
    changed, count = declared.subn(r"\1", header)
    if count != 1:
        raise ValueError("drm_dp_add_payload_part2 is declared in another way")
    return changed
