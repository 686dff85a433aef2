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
