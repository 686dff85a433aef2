"""Specifications that these tests share: the guest of a recorded Proxmox VE, and plainer ones."""

import dataclasses
from typing import Any

from rocmox_lab.pve.runtime_protocol import DeviceSpec, GuestSpec, MountSpec, NetworkSpec

NET0 = NetworkSpec(
    key="net0",
    name="eth0",
    hwaddr="BC:24:11:3D:D4:D3",
    bridge="vmbr0",
    ip="10.99.0.100/24",
    gateway="10.99.0.1",
    host_interface="veth100i0",
)
KFD = DeviceSpec(key="dev0", path="/dev/kfd", gid=993)

GPU1 = GuestSpec(
    vmid=100,
    hostname="gpu1",
    unprivileged=True,
    ostype="debian",
    arch="amd64",
    memory_mib=1024,
    swap_mib=0,
    cores=1,
    cpulimit=None,
    cpuunits=100,
    nesting=True,
    features={"nesting": "1"},
    rootfs=MountSpec(key="rootfs", source="/var/lib/vz/images/100/vm-100-disk-0.raw", target="/", kind="image"),
    mounts=(),
    devices=(KFD,),
    networks=(NET0,),
    nameserver=None,
    searchdomain=None,
    timezone=None,
    tty=2,
    console=True,
    cmode="tty",
    raw_lxc=(),
)


def changed(**changes: Any) -> GuestSpec:
    return dataclasses.replace(GPU1, **changes)
