"""States of nodes for the tests of the host: what differs from a healthy one is given."""

from __future__ import annotations

import dataclasses
from typing import Any

from rocmox.facts.amdgpu import Module
from rocmox.facts.boot_tool import BootKernels
from rocmox.facts.dkms import DkmsModule
from rocmox.host.desired import DesiredHost
from rocmox.host.packages.resolve import Offer
from rocmox.host.state import HostState

A, B, C = "6.8.12-8-pve", "6.8.12-9-pve", "6.8.12-10-pve"
VERSION = "1:6.8.5.60204-2070769.24.04"
DKMS = "6.8.5-2070769.24.04"
FINGERPRINT = "A" * 40


def desired(**fields: Any) -> DesiredHost:
    return dataclasses.replace(DesiredHost(driver="dkms", key_fingerprint=FINGERPRINT), **fields)


def state(**fields: Any) -> HostState:
    """A node that was just installed: kernel A, nothing of AMD's."""
    fresh = HostState(
        pve="8.4.1",
        running=A,
        kernels=(A,),
        boot=BootKernels(automatic=(A,)),
        boots_next=A,
        secure_boot=False,
        packages={"proxmox-kernel-6.8": "6.8.12-8", "proxmox-default-kernel": "1.1.0"},
        free_bytes={"/boot": 10**9, "/": 10**10},
        command_line={"root": "UUID=1"},
    )
    return dataclasses.replace(fresh, **fields)


def built(*kernels: str) -> tuple[DkmsModule, ...]:
    return tuple(DkmsModule(name="amdgpu", version=DKMS, kernel=kernel, state="installed") for kernel in kernels)


def driven(**fields: Any) -> HostState:
    """The same node with AMD's driver on kernel A, pinned."""
    done = state(
        boot=BootKernels(automatic=(A,), pinned=A),
        dkms=built(A),
        with_headers=frozenset({A}),
        module=Module(loaded=True, kind="dkms", version="6.8.5"),
        packages={
            "proxmox-kernel-6.8": "6.8.12-8",
            "proxmox-default-kernel": "1.1.0",
            "amdgpu-dkms": VERSION,
            "amdgpu-dkms-firmware": VERSION,
        },
        holds=("proxmox-kernel-6.8", "proxmox-default-kernel"),
        command_line={"root": "UUID=1", "iommu": "pt"},
    )
    return dataclasses.replace(done, **fields)


def offer(*kernels: str, newest: str = A) -> Offer:
    names = kernels or (A,)
    return Offer(
        version=VERSION,
        keyring="KEY\n",
        headers={kernel: f"proxmox-headers-{kernel}" for kernel in names},
        newest_kernel=newest,
        kernel_packages={kernel: f"proxmox-kernel-{kernel}-signed" for kernel in (*names, newest)},
    )
