"""What a lab is asked to be, and the names and places that follow from its name."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import re
from pathlib import Path

from rocmox.errors import UsageError
from rocmox_lab.gpus import PROFILES

PVE_VERSIONS = ("8.4", "9.2")
GPU_PROFILES = tuple(PROFILES)
LABS_DIRECTORY = Path("/var/lib/rocmox/labs")
RUNTIME_DIRECTORY = Path("/run/rocmox/labs")

_LAB_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,28}[a-z0-9])?")
_NODE_NAME = re.compile(r"[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?")
_INTERFACE_TAG_LENGTH = 10  # IFNAMSIZ is 16 with its NUL; the longest prefix is `rmxv-`


@dataclasses.dataclass(frozen=True, kw_only=True)
class LabSettings:
    """What `rocmox lab up` was asked for; UsageError when it makes no sense."""

    name: str = "default"
    node: str = "pve1"
    pve_version: str = "8.4"
    gpus: str = "mi50x3"

    def __post_init__(self) -> None:
        if not _LAB_NAME.fullmatch(self.name):
            raise UsageError(
                f"lab name {self.name!r}: it becomes part of container, bridge and firewall names",
                remedy="Use 1 to 30 lower-case letters, digits and dashes, with a letter or digit at both ends.",
            )
        if not _NODE_NAME.fullmatch(self.node):
            raise UsageError(
                f"node name {self.node!r} is not a host name",
                remedy="Use letters, digits and dashes, for example pve1.",
            )
        if self.pve_version not in PVE_VERSIONS:
            raise UsageError(
                f"the lab does not know Proxmox VE {self.pve_version}", remedy=f"Choose from {', '.join(PVE_VERSIONS)}."
            )
        if self.gpus not in GPU_PROFILES:
            raise UsageError(
                f"the lab does not know the GPU set {self.gpus!r}", remedy=f"Choose from {', '.join(GPU_PROFILES)}."
            )


@dataclasses.dataclass(frozen=True, kw_only=True)
class LabPlaces:
    """Every name and path a lab uses on this machine; all of them are derived from the lab's name."""

    name: str

    @property
    def directory(self) -> Path:
        """The lab's state; root's alone."""
        return LABS_DIRECTORY / self.name

    @property
    def state_file(self) -> Path:
        return self.directory / "state.json"

    @property
    def namespace_file(self) -> Path:
        """A bind-mounted mount namespace with pure cgroup2 and the node's overlay."""
        return RUNTIME_DIRECTORY / f"{self.name}.mnt"

    @property
    def container(self) -> str:
        return f"rocmox-{self.name}"

    @property
    def bridge(self) -> str:
        return f"rmx-{self._tag}"

    @property
    def veth(self) -> str:
        return f"rmxv-{self._tag}"

    @property
    def firewall_table(self) -> str:
        """Name of the nftables table; also the comment on rules in a foreign FORWARD chain."""
        return f"rocmox-{self.name}"

    @property
    def lxc_path(self) -> Path:
        return self.directory / "lxc"

    @property
    def rootfs(self) -> Path:
        """Where the overlay is mounted, inside the lab's own mount namespace only."""
        return self.directory / "rootfs"

    @property
    def upper(self) -> Path:
        return self.directory / "upper"

    @property
    def overlay_work(self) -> Path:
        return self.directory / "work"

    @property
    def storage(self) -> Path:
        """Bind-mounted as the node's `/var/lib/vz`: disks need a plain file system under them."""
        return self.directory / "vz"

    @property
    def code(self) -> Path:
        """Bind-mounted as `/usr/lib/rocmox-lab`."""
        return self.directory / "code"

    @property
    def node_settings(self) -> Path:
        """Bind-mounted as `/etc/rocmox-lab`."""
        return self.directory / "node-settings"

    @property
    def gpu_tree(self) -> Path:
        """The constructed GPUs; the directory above is bind-mounted as `/var/lib/rocmox-lab`."""
        return self.directory / "node-var" / "gpus"

    @property
    def secrets(self) -> Path:
        """Keys, certificate and password of the node."""
        return self.directory / "secrets"

    @property
    def ssh_sockets(self) -> Path:
        """Control sockets of Ansible's multiplexed connections; they must not outlive the lab."""
        return self.directory / "ssh"

    @property
    def _tag(self) -> str:
        if len(self.name) <= _INTERFACE_TAG_LENGTH:
            return self.name
        return hashlib.sha256(self.name.encode()).hexdigest()[:_INTERFACE_TAG_LENGTH]


def cache_directory() -> Path:
    """`ROCMOX_CACHE`, else `~/.cache/rocmox`."""
    return Path(os.environ.get("ROCMOX_CACHE") or Path.home() / ".cache" / "rocmox").absolute()
