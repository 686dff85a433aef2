"""What the API asks of the container runtime; both sides meet only here.

The API parses and validates everything: the runtime gets resolved paths and numbers, never a volume id or a property
string. Standard library only.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

Log = Callable[[str], None]
"""Writes one line (without newline) into the task log, as PVE's worker prints it."""


class RuntimeFailedError(Exception):
    """The runtime could not do it; the text is PVE's own, without trailing newline.

    Examples: `Device /dev/dri/card9 does not exist`, `startup for container '101' failed`,
    `bridge 'vmbr9' does not exist`. The API turns it into the task's exit status or a 500.
    """


@dataclasses.dataclass(frozen=True, kw_only=True)
class MountSpec:
    """The root file system (key `rootfs`, target `/`) or a mount point (key `mpN`)."""

    key: str
    source: str
    """Path on the node: raw ext4 image, directory (kind `directory`: subvolume of size 0, or bind), block device."""
    target: str
    kind: str
    """`image` (loop-mounted raw ext4), `directory` (owned by the guest), `bind` (node's directory, owner untouched)."""
    read_only: bool = False
    size_bytes: int | None = None
    mount_options: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, kw_only=True)
class DeviceSpec:
    """One `devN`; uid and gid are the guest's, mode is octal text turned into a number (default 0o660)."""

    key: str
    path: str
    uid: int = 0
    gid: int = 0
    mode: int = 0o660
    deny_write: bool = False


@dataclasses.dataclass(frozen=True, kw_only=True)
class NetworkSpec:
    """One `netN`; `ip`/`ip6` are a CIDR, `dhcp`, `auto`, `manual` or None."""

    key: str
    name: str
    hwaddr: str
    bridge: str | None = None
    ip: str | None = None
    gateway: str | None = None
    ip6: str | None = None
    gateway6: str | None = None
    mtu: int | None = None
    tag: int | None = None
    link_down: bool = False
    host_interface: str = ""
    """`veth101i0` for net0 of 101."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class GuestSpec:
    """Everything the runtime needs to know of /etc/pve/lxc/VMID.conf, parsed."""

    vmid: int
    hostname: str
    unprivileged: bool
    ostype: str
    arch: str
    memory_mib: int
    swap_mib: int
    cores: int | None
    cpulimit: float | None
    cpuunits: int
    nesting: bool
    features: Mapping[str, str]
    rootfs: MountSpec
    mounts: Sequence[MountSpec]
    devices: Sequence[DeviceSpec]
    networks: Sequence[NetworkSpec]
    nameserver: str | None
    searchdomain: str | None
    timezone: str | None
    tty: int
    console: bool
    cmode: str
    raw_lxc: Sequence[tuple[str, str]]
    """`lxc.*` lines of the file in order, to be appended verbatim to the LXC configuration."""
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """9.2's `env`."""
    entrypoint: str | None = None
    """9.2's `entrypoint`; None is /sbin/init."""
    debug: bool = False


@dataclasses.dataclass(frozen=True, kw_only=True)
class CreateSpec:
    """What only the creation needs."""

    archive: str
    """Path of the template on the node (.tar.zst, .tar.gz, .tar.xz)."""
    password: str | None = None
    ssh_public_keys: str | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Detected:
    """What the unpacked template turned out to be; written into the configuration file."""

    ostype: str
    arch: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class RuntimeStatus:
    """State of one guest now; byte counters are 0 when it does not run."""

    running: bool
    pid: int | None = None
    uptime_seconds: int = 0
    cpu_fraction: float = 0.0
    memory_bytes: int = 0
    swap_bytes: int = 0
    disk_used_bytes: int = 0
    network_in_bytes: int = 0
    network_out_bytes: int = 0
    disk_read_bytes: int = 0
    disk_write_bytes: int = 0


@dataclasses.dataclass(frozen=True, kw_only=True)
class Address:
    """One address of an interface in the guest."""

    family: str
    """`inet` or `inet6`."""
    address: str
    prefix_length: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class Interface:
    """One interface as the guest sees it."""

    name: str
    hwaddr: str
    addresses: Sequence[Address]


class GuestRuntime(Protocol):
    """Makes, starts and removes containers. Every method raises RuntimeFailedError with PVE's text when it cannot.

    Methods block; the API calls them from worker threads or processes and holds the guest's lock meanwhile.
    """

    # Volumes -----------------------------------------------------------------------------------------------------
    def create_volume(self, *, path: str, size_bytes: int, unprivileged: bool, log: Log) -> None:
        """A sparse raw image with ext4 (or, when size_bytes is 0, a directory); root owned by the guest's root."""

    def resize_volume(self, *, path: str, size_bytes: int, vmid: int) -> None:
        """Grow image and file system; works on a running guest as well."""

    def free_volume(self, *, path: str) -> None:
        """Delete the image or directory; nothing there is fine."""

    # Guests ------------------------------------------------------------------------------------------------------
    def unpack(self, guest: GuestSpec, create: CreateSpec, log: Log) -> Detected:
        """Mount the empty volumes, unpack the template, write hostname, network, password, ssh keys; unmount."""

    def start(self, guest: GuestSpec, log: Log) -> None:
        """Start and return when it runs. A missing device, bridge or image raises; `log` gets warnings."""

    def stop(self, vmid: int) -> None:
        """Kill at once and return when it is down."""

    def shutdown(self, vmid: int, *, timeout_seconds: float) -> bool:
        """Ask the guest to power off; False when it still runs after the timeout."""

    def destroy(self, vmid: int) -> None:
        """Forget /var/lib/lxc/VMID; volumes are freed one by one by the caller."""

    def status(self, vmid: int) -> RuntimeStatus:
        """State and counters; a guest never started is `running=False`."""

    def running(self) -> set[int]:
        """VMIDs running now, quickly (no process per guest)."""

    def interfaces(self, vmid: int) -> list[Interface]:
        """As `ip address` in the guest's network namespace shows them; [] when it does not run."""

    # Changes on a running guest ------------------------------------------------------------------------------------
    def set_limits(self, guest: GuestSpec) -> None:
        """Apply memory, swap, cores, cpulimit, cpuunits of a running guest; silently nothing without a controller."""

    def plug_network(self, guest: GuestSpec, network: NetworkSpec) -> None:
        """Add or re-configure one interface of a running guest. Raises `bridge 'vmbr9' does not exist`."""

    def unplug_network(self, vmid: int, host_interface: str) -> None:
        """Remove one interface of a running guest."""

    def plug_device(self, guest: GuestSpec, device: DeviceSpec) -> None:
        """Pass one more device into a running guest (9.2 only)."""

    def plug_mount(self, guest: GuestSpec, mount: MountSpec) -> None:
        """Mount one more volume in a running guest."""

    # Inside ------------------------------------------------------------------------------------------------------
    def execute(self, vmid: int, argv: Sequence[str], *, keep_environment: bool = True) -> int:
        """Run a command in the guest on the caller's stdin, stdout and stderr; returns its exit status."""

    def push(self, guest: GuestSpec, source: str, destination: str, *, uid: int, gid: int, mode: int) -> None:
        """Copy a file of the node into the running guest; uid and gid are the guest's."""

    def pull(self, guest: GuestSpec, source: str, destination: str) -> None:
        """Copy a file of the running guest onto the node."""

    def mount(self, guest: GuestSpec) -> str:
        """`pct mount`: mount the volumes of a stopped guest on the node; the path of its root."""

    def unmount(self, vmid: int) -> None:
        """`pct unmount`."""
