"""Storages and container templates of a node."""

from __future__ import annotations

import dataclasses

from rocmox.proxmox.api import Node


@dataclasses.dataclass(frozen=True, kw_only=True)
class Storage:
    """A storage as the node sees it; sizes are None while it is not active."""

    name: str
    type: str
    content: frozenset[str]
    active: bool
    available_bytes: int | None


@dataclasses.dataclass(frozen=True, kw_only=True)
class GuestVolume:
    """A disk that a storage holds for a VMID, whether a configuration names it or not."""

    id: str
    storage: str
    created_seconds: int
    """Since 1970 by the node's clock; 0 when the storage does not tell."""


def list_storages(node: Node) -> dict[str, Storage]:
    """The enabled storages the account may see, by name."""
    return {
        str(entry["storage"]): Storage(
            name=str(entry["storage"]),
            type=str(entry["type"]),
            content=frozenset(str(entry["content"]).split(",")),
            active=bool(entry.get("active")),
            available_bytes=int(entry["avail"]) if "avail" in entry else None,
        )
        for entry in node.api.get(node.path("storage"), {"enabled": 1})
    }


def list_templates(node: Node, storage: str) -> tuple[str, ...]:
    """Volume ids of the container templates on a storage."""
    found = node.api.get(node.path("storage", storage, "content"), {"content": "vztmpl"})
    return tuple(sorted(str(entry["volid"]) for entry in found))


def list_downloadable(node: Node) -> tuple[str, ...]:
    """File names of the container templates that `POST aplinfo` can download (`pveam available`)."""
    return tuple(str(entry["template"]) for entry in node.api.get(node.path("aplinfo")) if entry.get("type") == "lxc")


def download_template(node: Node, *, storage: str, file_name: str) -> str:
    """Download a template of the index, verified by the index's checksum. Returns the UPID."""
    return str(node.api.post(node.path("aplinfo"), {"storage": storage, "template": file_name}))


def list_guest_volumes(node: Node, storage: str, vmid: int) -> tuple[GuestVolume, ...]:
    """The disks a storage holds for a VMID (`pvesm list STORAGE --vmid VMID`), backups left out."""
    found = node.api.get(node.path("storage", storage, "content"), {"vmid": vmid})
    return tuple(
        GuestVolume(id=str(entry["volid"]), storage=storage, created_seconds=int(entry.get("ctime") or 0))
        for entry in found
        if entry.get("content") in {"images", "rootdir"}
    )


def delete_volume(node: Node, volume: GuestVolume) -> str | None:
    """Delete a disk; PVE refuses one in use. The UPID, None when it was deleted at once (`imgdel`)."""
    upid = node.api.delete(node.path("storage", volume.storage, "content", volume.id))
    return str(upid) if upid else None
