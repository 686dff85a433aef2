"""The repositories a machine sees at `http://10.0.2.80`: AMD's two, and Proxmox VE's in several stages of its life.

Layout of the folder that is served::

    rocm/rocm.gpg.key  rocm/other.gpg.key  rocm/apt/6.2.4/…  amdgpu/6.2.4/ubuntu/…
    debian/proxmox-release-bookworm.gpg  debian/pve/pool/…
    stages/NAME/dists/…        served as debian/pve/dists while the machine is offered that stage
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from pathlib import Path

from rocmox_lab.apt_repository import SigningKey, Suite, create_key, discard_key, write_index
from rocmox_lab.vm.amd_packages import ROCM_VERSION, build_bystanders, build_driver
from rocmox_lab.vm.kernels import Kernel

_AMD = Suite(origin="repo.radeon.com", name="noble", component="main")
_PROXMOX = Suite(origin="Proxmox", name="bookworm", component="pve-no-subscription")
_DRIVER_BYSTANDERS = {"libdrm-amdgpu-amdgpu1": "1:2.4.120.60204-2070769.24.04"}
_ROCM_BYSTANDERS = {"rocm-core": "6.2.4.60204-139~24.04", "rocminfo": "1.0.0.60204-139~24.04"}
STAGES = ("a", "b", "c", "c-without-headers")
"""Which kernel is the newest that Proxmox offers; the last one has forgotten its headers."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class BuiltKernel:
    """A kernel's paragraphs for an index."""

    kernel: Kernel
    image: str
    headers: str
    metas: tuple[str, ...]


def publish(folder: Path, kernels: Sequence[BuiltKernel], work: Path) -> dict[str, str]:
    """Write every index below `folder`, whose pool the kernels are in; returns the keys' fingerprints by name."""
    keys = {name: create_key(work / f"gpg-{name}", valid="0") for name in ("amd", "other", "proxmox")}
    try:
        _publish_amd(folder, keys["amd"], work)
        for stage in STAGES:
            write_index(folder / "stages" / stage, _PROXMOX, _stage(stage, kernels), keys["proxmox"])
        (folder / "rocm/rocm.gpg.key").write_text(keys["amd"].public())
        (folder / "rocm/other.gpg.key").write_text(keys["other"].public())
        (folder / "debian/proxmox-release-bookworm.asc").write_text(keys["proxmox"].public())
        return {name: key.fingerprint for name, key in keys.items()}
    finally:
        for key in keys.values():
            discard_key(key)


def _publish_amd(folder: Path, key: SigningKey, work: Path) -> None:
    driver, rocm = folder / "amdgpu" / ROCM_VERSION / "ubuntu", folder / "rocm/apt" / ROCM_VERSION
    paragraphs = build_driver(work, driver / "pool") + build_bystanders(_DRIVER_BYSTANDERS, work, driver / "pool")
    write_index(driver, _AMD, paragraphs, key)
    write_index(rocm, _AMD, build_bystanders(_ROCM_BYSTANDERS, work, rocm / "pool"), key)


def _stage(stage: str, kernels: Sequence[BuiltKernel]) -> list[str]:
    count = "abc".index(stage[0]) + 1
    paragraphs = [text for built in kernels[:count] for text in (built.image, built.headers, *built.metas)]
    if stage.endswith("without-headers"):
        lost = re.compile(rf"^Package: {re.escape(kernels[count - 1].kernel.headers_package)}$", re.MULTILINE)
        paragraphs = [text for text in paragraphs if not lost.search(text)]
    return paragraphs
