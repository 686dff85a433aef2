"""`/var/lib/lxc/VMID/config` in the shape Proxmox VE gives it (`PVE::LXC::update_lxc_config`). Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence

from rocmox_lab.pve.runtime.id_map import id_map_of
from rocmox_lab.pve.runtime.layout import Layout
from rocmox_lab.pve.runtime_protocol import GuestSpec, NetworkSpec

_STANDARD_DEVICES = (
    *("c *:* m", "b *:* m"),
    *(f"c {number} rwm" for number in ("1:3", "1:5", "1:7", "1:8", "1:9", "5:0", "5:1", "5:2", "136:*", "10:229")),
)
"""What LXC's common.conf allows: making any node; using null zero full random urandom tty console ptmx pts fuse."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class NodeTraits:
    """What the node decides for every guest."""

    apparmor: bool = False
    """AppArmor is active on the machine: a nested node cannot load profiles for guests then."""
    limits: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """cgroup2 keys (`memory.max`) and values the controllers of this machine take."""
    bridge_mtu: Mapping[str, int] = dataclasses.field(default_factory=dict)
    """MTU of each bridge, in bytes."""
    device_rules: Sequence[str] = ()
    """`c 235:0 rw` for each passed device."""


def render(guest: GuestSpec, layout: Layout, traits: NodeTraits) -> str:
    """The whole file."""
    lines = [
        *_frame(guest),
        *_confinement(guest, layout, traits),
        *_devices(guest, traits),
        "lxc.monitor.unshare = 1",
        *_identity(guest),
        *(f"lxc.cgroup2.{key} = {value}" for key, value in traits.limits.items()),
        f"lxc.rootfs.path = {layout.rootfs(guest.vmid)}",
    ]
    for index, network in enumerate(sorted(guest.networks, key=lambda each: int(each.key.removeprefix("net")))):
        lines += _network(index, network, traits)
    lines += [f"{key} = {value}" for key, value in guest.raw_lxc]
    return "\n".join(lines) + "\n"


def _frame(guest: GuestSpec) -> Iterator[str]:
    yield "lxc.cgroup.relative = 0"
    yield f"lxc.cgroup.dir.monitor = lxc.monitor/{guest.vmid}"
    yield f"lxc.cgroup.dir.container = lxc/{guest.vmid}"
    yield "lxc.cgroup.dir.container.inner = ns"
    yield f"lxc.arch = {guest.arch}"
    yield "lxc.include = /usr/share/lxc/config/common.conf"
    if id_map_of(guest).ranges:
        yield "lxc.include = /usr/share/lxc/config/userns.conf"


def _confinement(guest: GuestSpec, layout: Layout, traits: NodeTraits) -> Iterator[str]:
    yield f"lxc.seccomp.profile = {layout.seccomp(guest.vmid)}"
    yield f"lxc.apparmor.profile = {'unconfined' if traits.apparmor else 'generated'}"
    if guest.nesting:
        # With this LXC also mounts a second proc and sysfs below dev/.lxc, without which the kernel refuses new ones
        # to the guest's own user namespaces (lxc conf.c, nesting helpers; fs/namespace.c mount_too_revealing).
        yield "lxc.apparmor.allow_nesting = 1"
    yield "lxc.mount.auto = sys:mixed"
    if guest.features.get("fuse") == "1":
        yield "lxc.mount.entry = /dev/fuse dev/fuse none bind,create=file 0 0"


def _devices(guest: GuestSpec, traits: NodeTraits) -> Iterator[str]:
    if id_map_of(guest).ranges:
        # userns.conf clears the device list. The lab refuses whatever is not passed, which PVE leaves to ownership.
        yield "lxc.cgroup2.devices.deny = a"
        yield from (f"lxc.cgroup2.devices.allow = {each}" for each in _STANDARD_DEVICES)
    yield from (f"lxc.cgroup2.devices.allow = {rule}" for rule in traits.device_rules)


def _identity(guest: GuestSpec) -> Iterator[str]:
    id_map = id_map_of(guest)
    if not id_map.custom:  # a custom map stands among the raw lines
        yield from (f"lxc.idmap = {each.lxc_value}" for each in id_map.ranges)
    if not guest.console:
        yield "lxc.console.path = none"
    yield f"lxc.tty.max = {guest.tty}"
    yield "lxc.environment = TERM=linux"
    yield from (f"lxc.environment = {key}={value}" for key, value in guest.environment.items())
    yield f"lxc.uts.name = {guest.hostname}"
    if guest.entrypoint:
        yield f"lxc.init.cmd = {guest.entrypoint}"


def _network(index: int, network: NetworkSpec, traits: NodeTraits) -> list[str]:
    prefix = f"lxc.net.{index}"
    mtu = network.mtu or traits.bridge_mtu.get(network.bridge or "", 1500)
    return [
        f"{prefix}.type = veth",
        f"{prefix}.veth.pair = {network.host_interface}",
        f"{prefix}.hwaddr = {network.hwaddr}",
        f"{prefix}.name = {network.name}",
        f"{prefix}.mtu = {mtu}",
        f"{prefix}.script.up = /usr/share/lxc/lxcnetaddbr",
    ]
