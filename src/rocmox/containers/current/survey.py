"""Whether rocmox can work on a node at all, and which guests its cluster has."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from rocmox.errors import RefusedError
from rocmox.proxmox import Node, cluster

OLDEST_VERSION = cluster.Version(major=8, minor=1)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Survey:
    """A node that was found fit to work on, and every guest of its cluster."""

    version: cluster.Version
    guests: Mapping[int, cluster.Guest]

    def is_container(self, node: Node, vmid: int) -> bool:
        """Whether this VMID is a container of that very node."""
        guest = self.guests.get(vmid)
        return guest is not None and guest.kind == "lxc" and guest.node == node.name


def check_node(node: Node) -> Survey:
    """The API answers, is of a supported version, and has this node online. RefusedError otherwise. Two calls."""
    version = cluster.read_version(node.api)
    if version < OLDEST_VERSION:
        raise RefusedError(
            f"the node runs Proxmox VE {version}; rocmox needs {OLDEST_VERSION} or newer, because older ones cannot "
            "pass devices to containers (devN came with pve-container 5.0.7)",
            remedy="Upgrade the node; Proxmox documents the way from 7 to 8.",
        )
    members = cluster.read_members(node.api)
    if node.name not in members.nodes:
        raise RefusedError(
            f"there is no node {node.name!r} here",
            remedy=f"Set pve_node to one of: {', '.join(sorted(members.nodes))}.",
        )
    if members.nodes[node.name] == "offline":
        raise RefusedError(f"the node {node.name} is offline", remedy="Start it, or choose another in pve_node.")
    return Survey(version=version, guests=members.guests)
