"""What a plan consists of: data that only `apply` carries out."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from rocmox.containers.current.legacy_lines import RawLine, as_text
from rocmox.containers.plan.cards import DesiredDevice


@dataclasses.dataclass(frozen=True, kw_only=True)
class DownloadTemplate:
    """Fetch a template of Proxmox's index onto a storage."""

    storage: str
    file_name: str

    def __str__(self) -> str:
        return f"download {self.file_name} to {self.storage}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class WaitForCreation:
    """A run that was interrupted left its creation task running: wait for it, then look again."""

    vmid: int
    upid: str

    def __str__(self) -> str:
        return f"wait for the creation of {self.vmid} that is already under way"


@dataclasses.dataclass(frozen=True, kw_only=True)
class RemoveHalfMade:
    """Take away what a creation of ours left when the node went down: `lock: create`, and volumes nobody names."""

    vmid: int
    storage: str
    since_seconds: int
    """When that creation began, in seconds since 1970 by the node's clock; older volumes are not its own."""

    def __str__(self) -> str:
        return f"remove what an interrupted creation of {self.vmid} left"


@dataclasses.dataclass(frozen=True, kw_only=True)
class CreateContainer:
    """Create a container, tagged ours from the first moment, without devices."""

    vmid: int
    parameters: Mapping[str, str | int]

    def __str__(self) -> str:
        return f"create container {self.vmid} ({self.parameters['hostname']}) from {self.parameters['ostemplate']}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class UpdateConfig:
    """Set and delete keys of a configuration that still has this digest."""

    vmid: int
    changes: Mapping[str, str]
    delete: tuple[str, ...]
    digest: str

    def __str__(self) -> str:
        words = [f"{key}: {value}" for key, value in self.changes.items()] + [f"no {key}" for key in self.delete]
        return f"change container {self.vmid}: {'; '.join(words)}"

    @property
    def keys(self) -> frozenset[str]:
        return frozenset(self.changes) | frozenset(self.delete)


@dataclasses.dataclass(frozen=True, kw_only=True)
class GrowDisk:
    """Grow the root disk; growing needs no restart."""

    vmid: int
    size_gib: int

    def __str__(self) -> str:
        return f"grow the root disk of {self.vmid} to {self.size_gib} GiB"


@dataclasses.dataclass(frozen=True, kw_only=True)
class StartContainer:
    """Start a stopped container."""

    vmid: int

    def __str__(self) -> str:
        return f"start container {self.vmid}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class RestartContainer:
    """Shut a container down and start it again, so that pending keys take effect."""

    vmid: int
    why: tuple[str, ...]

    def __str__(self) -> str:
        return f"restart container {self.vmid} for {', '.join(self.why)}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class PassDevices:
    """Read the group ids in the running guest, then plan its devices with them."""

    vmid: int
    devices: tuple[DesiredDevice, ...]

    def __str__(self) -> str:
        listed = ", ".join(f"{device.path} (group {device.group})" for device in self.devices)
        return f"read the group ids in guest {self.vmid}, then pass {listed}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class DestroyContainer:
    """Shut a container of ours down and destroy it with its disks."""

    vmid: int
    hostname: str

    def __str__(self) -> str:
        return f"destroy container {self.vmid} ({self.hostname}) with its disks"


@dataclasses.dataclass(frozen=True, kw_only=True)
class MigrateLegacy:
    """Take raw GPU lines out of the file of a container that is shut down, with a backup; `devN` and a start follow."""

    vmid: int
    lines: tuple[RawLine, ...]
    digest: str

    def __str__(self) -> str:
        return f"with {self.vmid} shut down, take out of its configuration file: {as_text(self.lines)}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class AdoptContainer:
    """Put our tag on an existing container."""

    vmid: int
    hostname: str
    tags: str
    digest: str

    def __str__(self) -> str:
        return f"adopt container {self.vmid} ({self.hostname}): tags: {self.tags}"


Step = (
    DownloadTemplate
    | WaitForCreation
    | RemoveHalfMade
    | CreateContainer
    | UpdateConfig
    | GrowDisk
    | StartContainer
    | RestartContainer
    | PassDevices
    | DestroyContainer
    | MigrateLegacy
    | AdoptContainer
)
