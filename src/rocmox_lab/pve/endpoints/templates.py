"""Templates: the index (`aplinfo`) and downloads."""

from __future__ import annotations

from typing import Any

from rocmox_lab.pve.answers import BadParameterError
from rocmox_lab.pve.call import Call, route
from rocmox_lab.pve.storage import index, volumes
from rocmox_lab.pve.storage.config import StorageConfig


@route("GET /nodes/{node}/aplinfo")
def templates(call: Call) -> list[dict[str, Any]]:
    """The index."""
    return index.entries(call.node)


@route("POST /nodes/{node}/aplinfo")
def download_template(call: Call) -> str:
    """Fetch a template of the index into a storage."""
    name = call.need("template")
    entry = next((found for found in index.entries(call.node) if found["template"] == name), None)
    if entry is None:
        raise BadParameterError({"template": "no such template"})
    storage = StorageConfig(call.node).usable(call.need("storage"))
    if "vztmpl" not in storage.content:
        raise BadParameterError({"storage": f"storage '{storage.id}' does not support container templates"})
    arguments = {
        "url": entry["location"],
        "target": f"{volumes.template_folder(storage)}/{name}",
        "checksum": entry.get("sha512sum"),
        "algorithm": "sha512",
    }
    return call.spawn("download", name, arguments)


@route("POST /nodes/{node}/storage/{storage}/download-url")
def download_url(call: Call) -> str:
    """Fetch any URL as a template."""
    storage = StorageConfig(call.node).usable(call.need("storage"))
    name = call.need("filename").replace("/", "_")
    if call.need("content") == "vztmpl" and not volumes.is_template_name(name):
        raise BadParameterError({"filename": "wrong file extension"})
    if "checksum" in call.parameters and "checksum-algorithm" not in call.parameters:
        raise BadParameterError({"checksum-algorithm": "missing parameter, required by 'checksum'"})
    folder = volumes.template_folder(storage) if call.need("content") == "vztmpl" else f"{storage.path}/template/iso"
    arguments = {
        "url": call.need("url"),
        "target": f"{folder}/{name}",
        "checksum": call.text("checksum"),
        "algorithm": call.text("checksum-algorithm"),
    }
    return call.spawn("download", name, arguments)
