"""The cluster around the node: version, nodes, guests of every kind, bridges."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

from rocmox.errors import ProxmoxError
from rocmox.proxmox.api import Api, Node


@dataclasses.dataclass(frozen=True, kw_only=True, order=True)
class Version:
    """Proxmox VE's version, comparable."""

    major: int
    minor: int

    @classmethod
    def from_text(cls, text: str) -> Version:
        """`8.4.1` and `9.0.0~beta1` alike."""
        match = re.match(r"(\d+)\.(\d+)", text)
        if match is None:
            raise ProxmoxError(f"Proxmox VE reports the version {text!r}, which is none")
        return cls(major=int(match[1]), minor=int(match[2]))

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Guest:
    """A container or virtual machine anywhere in the cluster."""

    vmid: int
    kind: str
    """`lxc` or `qemu`."""
    node: str
    name: str

    @classmethod
    def from_resource(cls, entry: Mapping[str, Any]) -> Guest:
        """One line of `cluster/resources`."""
        name = str(entry.get("name", ""))
        return cls(vmid=int(entry["vmid"]), kind=str(entry["type"]), node=str(entry["node"]), name=name)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Members:
    """What the cluster consists of, as far as the account may see it."""

    nodes: Mapping[str, str]
    """Node name → `online`, `offline` or `unknown`."""
    guests: Mapping[int, Guest]


def read_version(api: Api) -> Version:
    """The node's Proxmox VE version (`pveversion`)."""
    return Version.from_text(str(api.get("/version")["version"]))


def read_members(api: Api) -> Members:
    """Nodes and guests in one call, for every account (`PVE::API2::Cluster`, resources).

    A guest's `status` is of the statistics and lags, so it is left out; `lxc.list_status` has it.
    """
    nodes: dict[str, str] = {}
    guests: dict[int, Guest] = {}
    for entry in api.get("/cluster/resources"):
        if entry["type"] == "node":
            nodes[str(entry["node"])] = str(entry.get("status", "unknown"))
        elif entry["type"] in {"lxc", "qemu"}:
            guest = Guest.from_resource(entry)
            guests[guest.vmid] = guest
    return Members(nodes=nodes, guests=guests)


def vmid_is_free(api: Api, vmid: int) -> bool:
    """Whether no guest has this VMID, those included that the account may not see."""
    try:
        api.get("/cluster/nextid", {"vmid": vmid})
    except ProxmoxError as error:
        if "already exists" in error.message:
            return False
        raise
    return True


def list_bridges(node: Node) -> dict[str, str]:
    """Linux and Open vSwitch bridges and SDN vnets the account may see: name → kind."""
    found = node.api.get(node.path("network"), {"type": "any_bridge"})
    return {str(entry["iface"]): str(entry.get("type", "")) for entry in found}
