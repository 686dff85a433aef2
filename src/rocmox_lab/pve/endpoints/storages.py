"""Storages: `/storage` and `/nodes/{node}/storage` (PVE::API2::Storage)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rocmox_lab.pve import host, sizes
from rocmox_lab.pve.answers import AnswerError, BadParameterError, NoPermissionError
from rocmox_lab.pve.call import Call, route
from rocmox_lab.pve.formats import split_list
from rocmox_lab.pve.storage import volumes
from rocmox_lab.pve.storage.config import Storage, StorageConfig

_LOOK = ["Datastore.Audit", "Datastore.AllocateSpace"]
_BELOW = (
    "content",
    "download-url",
    "file-restore",
    "import-metadata",
    "prunebackups",
    "rrd",
    "rrddata",
    "status",
    "upload",
)
_NOT_OPTIONS = {"storage", "type", "delete", "digest"}


def _shown(storage: Storage, digest: str) -> dict[str, Any]:
    options: dict[str, Any] = dict(storage.options)
    for key in ("shared", "disable"):
        if key in options:
            options[key] = int(options[key])
    options["content"] = ",".join(storage.content)
    return {"storage": storage.id, "type": storage.type, "digest": digest, **options}


@route("GET /storage")
def storages(call: Call) -> list[dict[str, Any]]:
    """Configured storages."""
    config, kind = StorageConfig(call.node), call.text("type")
    found = sorted(config.storages.values(), key=lambda entry: entry.id)
    return [
        _shown(entry, config.digest)
        for entry in found
        if kind in {None, entry.type} and set(_LOOK) & set(call.rights.at(call.user, f"/storage/{entry.id}"))
    ]


@route("POST /storage")
def add(call: Call) -> dict[str, str]:
    """A new storage."""
    name, kind = call.need("storage"), call.need("type")
    options = {key: str(value) for key, value in call.parameters.items() if key not in _NOT_OPTIONS}
    config = StorageConfig(call.node)
    if name not in config.storages and kind == "dir" and "path" not in options:
        message = "missing value for required option 'path'\n"
        raise AnswerError(message)
    config.add(Storage(id=name, type=kind, options=options))
    return {"storage": name, "type": kind}


@route("GET /storage/{storage}")
def storage(call: Call) -> dict[str, Any]:
    """One configured storage."""
    config = StorageConfig(call.node)
    return _shown(config.get(call.need("storage")), config.digest)


@route("PUT /storage/{storage}")
def update(call: Call) -> dict[str, str]:
    """Change a storage."""
    changes = {key: str(value) for key, value in call.parameters.items() if key not in _NOT_OPTIONS}
    changed = StorageConfig(call.node).change(call.need("storage"), changes, split_list(call.text("delete") or ""))
    return {"storage": changed.id, "type": changed.type}


@route("DELETE /storage/{storage}")
def remove(call: Call) -> None:
    """Forget a storage."""
    StorageConfig(call.node).remove(call.need("storage"))


def _status(call: Call, entry: Storage) -> dict[str, Any]:
    total, available, used = host.space(call.node.path(entry.path)) if entry.enabled else (0, 0, 0)
    return {
        "type": entry.type,
        "content": ",".join(entry.content),
        "enabled": int(entry.enabled),
        "active": int(entry.enabled),
        "shared": int(entry.options.get("shared", 0)),
        "total": total,
        "avail": available,
        "used": used,
    }


@route("GET /nodes/{node}/storage")
def node_storages(call: Call) -> list[dict[str, Any]]:
    """Storages of the node with their space."""
    wanted = set(split_list(call.text("content") or ""))
    lines = []
    for entry in sorted(StorageConfig(call.node).storages.values(), key=lambda found: found.id):
        seen = set(_LOOK) & set(call.rights.at(call.user, f"/storage/{entry.id}"))
        if not seen or (wanted and not wanted & set(entry.content)) or call.text("storage") not in {None, entry.id}:
            continue
        if call.flag("enabled") and not entry.enabled:
            continue
        found = _status(call, entry)
        share = found["used"] / found["total"] if found["total"] else 0
        lines.append({"storage": entry.id, **found, "used_fraction": share})
    return lines


@route("GET /nodes/{node}/storage/{storage}")
def index(call: Call) -> list[dict[str, str]]:
    """What there is below."""
    StorageConfig(call.node).on_node(call.need("storage"))
    return [{"subdir": name} for name in _BELOW]


@route("GET /nodes/{node}/storage/{storage}/status")
def status(call: Call) -> dict[str, Any]:
    """Space of one storage."""
    return _status(call, StorageConfig(call.node).on_node(call.need("storage")))


@route("GET /nodes/{node}/storage/{storage}/content")
def content(call: Call) -> list[dict[str, Any]]:
    """Volumes of one storage."""
    found = StorageConfig(call.node).usable(call.need("storage"))
    vmid = call.number("vmid") if "vmid" in call.parameters else None
    lines = volumes.listing(call.node, found, content=call.text("content"), vmid=vmid)
    return [{key: value for key, value in line.items() if value is not None} for line in lines]


@route("POST /nodes/{node}/storage/{storage}/content")
def allocate(call: Call) -> str:
    """A new empty image."""
    found = StorageConfig(call.node).usable(call.need("storage"))
    name = f"{call.vmid}/{call.need('filename')}"
    size_bytes = sizes.parse(call.need("size")) or 0
    if call.need("size").isdigit():
        size_bytes *= 1024
    shown = f"{found.path}/images/{name}"
    path = call.node.path(shown)
    volumes.find(StorageConfig(call.node), f"{found.id}:{name}")
    if path.exists():
        message = f"disk image '{shown}' already exists\n"
        raise AnswerError(message)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as stream:
        stream.truncate(size_bytes)
    return f"{found.id}:{name}"


def _volume(call: Call) -> volumes.Volume:
    volid = call.need("volume")
    storage_name = call.need("storage")
    if ":" not in volid:
        volid = f"{storage_name}:{volid}"
    found = volumes.find(StorageConfig(call.node), volid)
    if found.storage.id != storage_name:
        raise BadParameterError({"volume": "storage ID missmatch"})
    return found


@route("GET /nodes/{node}/storage/{storage}/content/{volume}")
def volume(call: Call) -> dict[str, Any]:
    """Size and path of one volume."""
    found = _volume(call)
    _check_volume(call, found)
    path = call.node.path(found.path)
    if not path.exists():
        message = f"volume_size_info on '{found.volid}' failed - no format\n"
        raise AnswerError(message)
    used = path.stat().st_blocks * 512
    return {"path": found.path, "size": path.stat().st_size, "used": used, "format": found.format}


def _check_volume(call: Call, found: volumes.Volume) -> None:
    try:
        call.rights.need_any(call.user, f"/storage/{found.storage.id}", _LOOK)
    except NoPermissionError:
        if found.vmid is None:
            raise
        call.rights.need(call.user, f"/vms/{found.vmid}", ["VM.Config.Disk"])


@route("DELETE /nodes/{node}/storage/{storage}/content/{volume}")
def free(call: Call) -> str:
    """Delete a volume."""
    found = _volume(call)
    needed = "Datastore.AllocateTemplate" if found.kind == "vztmpl" else "Datastore.AllocateSpace"
    call.rights.need_any(call.user, f"/storage/{found.storage.id}", ["Datastore.Allocate", needed])
    name = f"{found.vmid}@{found.storage.id}" if found.vmid is not None else found.storage.id
    return call.spawn("imgdel", name, {"volid": found.volid})


@route("POST /nodes/{node}/storage/{storage}/upload")
def upload(call: Call) -> str:
    """Take in a file that the server has put aside (`tmpfilename`)."""
    found = StorageConfig(call.node).usable(call.need("storage"))
    name = Path(call.need("filename")).name
    if call.need("content") == "vztmpl" and not volumes.is_template_name(name):
        raise BadParameterError({"filename": "wrong file extension"})
    if "tmpfilename" not in call.parameters:
        message = "missing temporary file name\n"
        raise AnswerError(message)
    arguments = {
        "source": call.need("tmpfilename"),
        "target": f"{volumes.template_folder(found)}/{name}",
        "checksum": call.text("checksum"),
        "algorithm": call.text("checksum-algorithm"),
    }
    return call.spawn("imgcopy", "", arguments)
