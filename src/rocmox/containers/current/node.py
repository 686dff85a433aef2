"""What is there: the node, its storages and bridges, and the containers that have a desired VMID."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping

from rocmox.containers.current.legacy_lines import RawLine, gpu_lines
from rocmox.containers.current.properties import disk_size_gib, disk_storage, parse_properties, parse_tags
from rocmox.containers.current.survey import Survey
from rocmox.containers.spec.container import ContainerSpec
from rocmox.proxmox import Node, cluster, lxc, permissions, storage
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
    """A node as it is, as far as the desired containers are concerned."""

    name: str
    version: cluster.Version
    guests: Mapping[int, cluster.Guest]
    containers: Mapping[int, CurrentContainer]
    unseen: frozenset[int]
    """Desired VMIDs that are taken by something the account may not see."""
    storages: Mapping[str, storage.Storage]
    """Read, as the bridges are, when some desired container asks something of them (`needs_resources`)."""
    bridges: Mapping[str, str]
    """Name → kind (`bridge`, `OVSBridge`, `vnet`)."""
    sees_everything: bool = True
    """Whether nothing is hidden from the account; bridges and storages it may not use are."""


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


def read_containers(node: Node, survey: Survey, vmids: Collection[int]) -> dict[int, CurrentContainer]:
    """The containers of this node among these VMIDs: one call for all (none when none exists), two for each of ours."""
    here = [vmid for vmid in sorted(vmids) if survey.is_container(node, vmid)]
    status = lxc.list_status(node) if here else {}
    found = {vmid: read_container(node, vmid, running=status[vmid] == "running") for vmid in here if vmid in status}
    return {vmid: container for vmid, container in found.items() if container is not None}


def needs_resources(spec: ContainerSpec, container: CurrentContainer | None) -> bool:
    """Whether a container asks anything of the node's bridges and storages: not so while it runs with what it has."""
    if container is None or not container.running:
        return True
    rootfs = container.config.get("rootfs", "")
    bridge = parse_properties(container.config.get("net0", "")).get("bridge")
    has = (bridge, disk_storage(rootfs), disk_size_gib(rootfs))
    return has != (spec.bridge, spec.storage, spec.disk_gib)


def read_node(node: Node, survey: Survey, specs: Collection[ContainerSpec]) -> CurrentNode:
    """Everything a plan for these containers needs: a constant number of calls, and two for each container."""
    vmids = [spec.vmid for spec in specs]
    containers = read_containers(node, survey, vmids)
    asks = any(needs_resources(spec, containers.get(spec.vmid)) for spec in specs)
    sees_everything = permissions.may_do_everything(node.api)
    asks = asks or not sees_everything  # the bridge's kind says which privilege it wants
    unknown = [vmid for vmid in vmids if vmid not in containers and vmid not in survey.guests]
    return CurrentNode(
        name=node.name,
        version=survey.version,
        guests=survey.guests,
        containers=containers,
        unseen=_unseen(node, unknown),
        storages=storage.list_storages(node) if asks else {},
        bridges=cluster.list_bridges(node) if asks else {},
        sees_everything=sees_everything,
    )


def _unseen(node: Node, vmids: Collection[int]) -> frozenset[int]:
    """Those that are taken although the account sees no such guest; `root@pam` sees them all and need not ask."""
    if permissions.may_do_everything(node.api):
        return frozenset()
    return frozenset(vmid for vmid in vmids if not cluster.vmid_is_free(node.api, vmid))
