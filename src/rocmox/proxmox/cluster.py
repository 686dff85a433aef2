"""The cluster around the node: version, nodes, guests of every kind, bridges."""

from __future__ import annotations

import dataclasses
import re

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


def read_version(api: Api) -> Version:
    """The node's Proxmox VE version (`pveversion`)."""
    return Version.from_text(str(api.get("/version")["version"]))


def list_nodes(api: Api) -> dict[str, str]:
    """Node name → `online`, `offline` or `unknown`."""
    return {str(entry["node"]): str(entry.get("status", "unknown")) for entry in api.get("/nodes")}


def list_guests(api: Api) -> dict[int, Guest]:
    """Every guest the account may see. Its `status` lags, so it is left out; `lxc.list_status` has it."""
    return {
        int(entry["vmid"]): Guest(
            vmid=int(entry["vmid"]),
            kind=str(entry["type"]),
            node=str(entry["node"]),
            name=str(entry.get("name", "")),
        )
        for entry in api.get("/cluster/resources", {"type": "vm"})
    }


def vmid_is_free(api: Api, vmid: int) -> bool:
    """Whether no guest has this VMID, those included that the account may not see."""
    try:
        api.get("/cluster/nextid", {"vmid": vmid})
    except ProxmoxError as error:
        if "already exists" in error.message:
            return False
        raise
    return True


def list_bridges(node: Node) -> frozenset[str]:
    """Names of Linux and Open vSwitch bridges and SDN vnets."""
    return frozenset(str(entry["iface"]) for entry in node.api.get(node.path("network"), {"type": "any_bridge"}))
