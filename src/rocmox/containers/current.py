"""What is there: the node, its storages and bridges, and the containers that have a wished VMID."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping

from rocmox.containers.legacy import RawLine, gpu_lines
from rocmox.containers.properties import parse_tags
from rocmox.proxmox import Node, cluster, lxc, storage
from rocmox.proxmox.failures import NotFoundError

TAG = "rocmox"
"""Only containers with this tag are changed or destroyed."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class CurrentContainer:
    """A container of the node as it is."""

    vmid: int
    running: bool
    config: Mapping[str, str]
    """Values with pending changes applied."""
    pending: frozenset[str] = frozenset()
    digest: str = ""
    legacy: tuple[RawLine, ...] = ()
    """Raw `lxc.*` lines that pass an AMD card; read for containers of ours alone."""

    @property
    def is_ours(self) -> bool:
        return TAG in parse_tags(self.config.get("tags", ""))

    @property
    def lock(self) -> str:
        return self.config.get("lock", "")

    @property
    def is_being_created(self) -> bool:
        """While PVE creates or restores a container its configuration holds the lock and nothing of the container."""
        return self.lock == "create" and "rootfs" not in self.config


@dataclasses.dataclass(frozen=True, kw_only=True)
class CurrentNode:
    """A node as it is, as far as the wish is concerned."""

    name: str
    version: cluster.Version
    guests: Mapping[int, cluster.Guest]
    containers: Mapping[int, CurrentContainer]
    unseen: frozenset[int]
    """Wished VMIDs that are taken by something the account may not see."""
    storages: Mapping[str, storage.Storage]
    bridges: frozenset[str]


def read_container(node: Node, vmid: int, *, running: bool | None = None) -> CurrentContainer | None:
    """One container, None when there is none; asks for its status unless it is known."""
    try:
        config = lxc.read_config(node, vmid)
        if running is None:
            running = lxc.status(node, vmid) == "running"
    except NotFoundError:
        return None
    found = CurrentContainer(
        vmid=vmid, running=running, config=config.values, pending=config.pending, digest=config.digest
    )
    if not found.is_ours:
        return found
    return dataclasses.replace(found, legacy=gpu_lines(lxc.read_raw_lines(node, vmid)))


def read_containers(node: Node, vmids: Collection[int]) -> dict[int, CurrentContainer]:
    """The containers among these VMIDs: one call for all, two for each of ours."""
    status = lxc.list_status(node)
    found = {
        vmid: read_container(node, vmid, running=status[vmid] == "running") for vmid in sorted(vmids) if vmid in status
    }
    return {vmid: container for vmid, container in found.items() if container is not None}


def read_node(node: Node, vmids: Collection[int], version: cluster.Version) -> CurrentNode:
    """Everything a plan for these VMIDs needs: a constant number of calls, and two for each container."""
    guests = cluster.list_guests(node.api)
    containers = read_containers(node, vmids)
    unknown = [vmid for vmid in vmids if vmid not in containers and vmid not in guests]
    return CurrentNode(
        name=node.name,
        version=version,
        guests=guests,
        containers=containers,
        unseen=frozenset(vmid for vmid in unknown if not cluster.vmid_is_free(node.api, vmid)),
        storages=storage.list_storages(node),
        bridges=cluster.list_bridges(node),
    )
