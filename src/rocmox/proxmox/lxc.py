"""Containers of a node: read, create, change, start, stop, destroy. Calls that take time return a UPID."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from rocmox.proxmox.api import Node, Parameters


@dataclasses.dataclass(frozen=True, kw_only=True)
class ContainerConfig:
    """A configuration with pending changes applied, values as PVE's text.

    `pending` names the keys whose running value differs until the next start.
    """

    values: Mapping[str, str]
    pending: frozenset[str]
    digest: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class WholeConfig:
    """A configuration without its history: values as PVE's text, and raw `lxc.*` lines."""

    values: Mapping[str, str]
    raw_lines: tuple[tuple[str, str], ...]


def list_status(node: Node) -> dict[int, str]:
    """VMID → `running` or `stopped`, for the containers the account may see."""
    return {int(entry["vmid"]): str(entry["status"]) for entry in node.api.get(node.path("lxc"))}


def read_config(node: Node, vmid: int) -> ContainerConfig:
    """One call (`/pending`) gives values, pending changes and digest. NotFoundError when there is no such container."""
    values: dict[str, str] = {}
    pending = set()
    digest = ""
    for entry in node.api.get(node.path("lxc", vmid, "pending")):
        key = str(entry["key"])
        if key == "digest":
            digest = str(entry["value"])
            continue
        if "pending" in entry or entry.get("delete"):
            pending.add(key)
        if not entry.get("delete"):
            values[key] = str(entry.get("pending", entry.get("value", "")))
    return ContainerConfig(values=values, pending=frozenset(pending), digest=digest)


def read_raw_lines(node: Node, vmid: int) -> tuple[tuple[str, str], ...]:
    """The raw `lxc.*` lines of a configuration file, which `/pending` leaves out; PVE cannot write them."""
    return read_whole_config(node, vmid).raw_lines


def read_whole_config(node: Node, vmid: int) -> WholeConfig:
    """One call (`/config`): values with pending changes applied, and the raw lines."""
    config = dict(node.api.get(node.path("lxc", vmid, "config")))
    raw_lines = tuple((str(key), str(value)) for key, value in config.pop("lxc", ()))
    return WholeConfig(values={key: str(value) for key, value in config.items()}, raw_lines=raw_lines)


def create(node: Node, parameters: Parameters) -> str:
    """Create a container from a template; returns the UPID."""
    return str(node.api.post(node.path("lxc"), parameters))


def update(node: Node, vmid: int, *, changes: Parameters, delete: Sequence[str], digest: str) -> None:
    """Set and delete keys, provided the configuration still has this digest (else ConfigChangedError)."""
    parameters: dict[str, str | int] = {**changes, "digest": digest}
    if delete:
        parameters["delete"] = ",".join(delete)
    node.api.put(node.path("lxc", vmid, "config"), parameters)


def grow_disk(node: Node, vmid: int, *, disk: str, size_gib: int) -> str:
    """Grow a disk to an absolute size; PVE refuses to shrink. Returns the UPID."""
    return str(node.api.put(node.path("lxc", vmid, "resize"), {"disk": disk, "size": f"{size_gib}G"}))


def start(node: Node, vmid: int) -> str:
    """Start a stopped container; returns the UPID."""
    return str(node.api.post(node.path("lxc", vmid, "status", "start")))


def shutdown(node: Node, vmid: int, *, timeout_seconds: int) -> str:
    """Ask the guest to stop; the hard stop follows after the timeout."""
    return str(
        node.api.post(node.path("lxc", vmid, "status", "shutdown"), {"timeout": timeout_seconds, "forceStop": 1})
    )


def destroy(node: Node, vmid: int) -> str:
    """Destroy a stopped container with its disks, and its entries in backup jobs and replication. Returns the UPID.

    Disks of that VMID which the container does not reference stay: nobody knows whose they are.
    """
    return str(node.api.delete(node.path("lxc", vmid), {"purge": 1}))


def status(node: Node, vmid: int) -> str:
    """`running` or `stopped`, as it is now."""
    return str(node.api.get(node.path("lxc", vmid, "status", "current"))["status"])
