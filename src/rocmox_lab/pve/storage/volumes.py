"""Volume ids and files of directory storages (PVE::Storage::Plugin): where they are, what they are, new and gone."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

from rocmox_lab.pve.answers import AnswerError
from rocmox_lab.pve.node import Node
from rocmox_lab.pve.storage.config import Storage, StorageConfig

_VOLUME_ID = re.compile(r"^(?P<storage>[A-Za-z][A-Za-z0-9\-_.]*[A-Za-z0-9]):(?P<name>.+)$")
_IMAGE = re.compile(r"^(?P<vmid>\d+)/(?P<file>(?:vm|base|subvol)-\d+-\S+\.(?P<format>raw|qcow2|vmdk|subvol))$")
_TEMPLATE = re.compile(r"\.tar\.(gz|xz|zst|bz2)$")
_ANY = re.compile("")
_EXTENSIONS = {"vztmpl": re.compile(r"\.tar(\.(gz|xz|zst|bz2))?$"), "iso": re.compile(r"\.(iso|img)$", re.IGNORECASE)}
_FOLDERS = {
    "vztmpl": "template/cache",
    "iso": "template/iso",
    "backup": "dump",
    "snippets": "snippets",
    "import": "import",
}
_ARCHIVE_FORMAT = {"gz": "tgz", "xz": "txz", "zst": "tzst", "bz2": "tbz2"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Volume:
    """A parsed volume id; `path` is on the node, without the root of a test tree."""

    volid: str
    storage: Storage
    kind: str
    path: str
    format: str
    vmid: int | None = None


def split_id(volid: str) -> tuple[str, str]:
    """(storage, name); PVE's 500 for what is not a volume id."""
    match = _VOLUME_ID.match(volid)
    if match is None:
        message = f"unable to parse volume ID '{volid}'\n"
        raise AnswerError(message)
    return match["storage"], match["name"]


def find(storages: StorageConfig, volid: str) -> Volume:
    """What a volume id names, whether or not the file is there."""
    storage_name, name = split_id(volid)
    storage = storages.get(storage_name)
    image = _IMAGE.match(name)
    if image:
        path = f"{storage.path}/images/{name}"
        return Volume(
            volid=volid, storage=storage, kind="images", path=path, format=image["format"], vmid=int(image["vmid"])
        )
    kind, _, file = name.partition("/")
    if kind in _FOLDERS and file and "/" not in file and _EXTENSIONS.get(kind, _ANY).search(file):
        return Volume(
            volid=volid, storage=storage, kind=kind, path=f"{storage.path}/{_FOLDERS[kind]}/{file}", format="raw"
        )
    message = f"unable to parse directory volume name '{name}'\n"
    raise AnswerError(message)


def template_folder(storage: Storage) -> str:
    """Where container templates lie."""
    return f"{storage.path}/{_FOLDERS['vztmpl']}"


def next_disk(node: Node, storage: Storage, vmid: int, suffix: str) -> str:
    """The first free `VMID/vm-VMID-disk-N.raw` (or `subvol-…-N.subvol`)."""
    folder = node.path(f"{storage.path}/images/{vmid}")
    taken = {entry.name for entry in folder.iterdir()} if folder.is_dir() else set()
    number = 0
    while any(name.startswith((f"vm-{vmid}-disk-{number}.", f"subvol-{vmid}-disk-{number}.")) for name in taken):
        number += 1
    prefix = "subvol" if suffix == "subvol" else "vm"
    return f"{vmid}/{prefix}-{vmid}-disk-{number}.{suffix}"


def listing(node: Node, storage: Storage, *, content: str | None, vmid: int | None) -> list[dict[str, Any]]:
    """Everything a storage holds, as the API lists it."""
    found: list[dict[str, Any]] = []
    if "vztmpl" in storage.content and content in {None, "vztmpl"} and vmid is None:
        found += _templates(node, storage)
    if content in {None, "images", "rootdir"} and {"images", "rootdir"} & set(storage.content):
        found += [entry for entry in _images(node, storage) if vmid in {None, entry["vmid"]}]
    if content is not None:
        found = [entry for entry in found if entry["content"] == content]
    return sorted(found, key=lambda entry: str(entry["volid"]))


def _templates(node: Node, storage: Storage) -> list[dict[str, Any]]:
    folder = node.path(template_folder(storage))
    entries = sorted(folder.iterdir()) if folder.is_dir() else []
    return [
        {
            "volid": f"{storage.id}:vztmpl/{entry.name}",
            "content": "vztmpl",
            "format": _ARCHIVE_FORMAT[match[1]],
            "size": entry.stat().st_size,
            "ctime": int(entry.stat().st_ctime),
        }
        for entry in entries
        if (match := _TEMPLATE.search(entry.name))
    ]


def _images(node: Node, storage: Storage) -> list[dict[str, Any]]:
    folder = node.path(f"{storage.path}/images")
    found: list[dict[str, Any]] = []
    for entry in sorted(folder.glob("*/*")) if folder.is_dir() else []:
        match = _IMAGE.match(f"{entry.parent.name}/{entry.name}")
        if match is None:
            continue
        vmid = int(match["vmid"])
        found.append(
            {
                "volid": f"{storage.id}:{vmid}/{entry.name}",
                "content": "rootdir" if node.path(f"/etc/pve/lxc/{vmid}.conf").exists() else "images",
                "format": match["format"],
                "size": entry.stat().st_size if entry.is_file() else 0,
                "used": _used(entry),
                "ctime": int(entry.stat().st_ctime),
                "vmid": vmid,
                "parent": None,
            }
        )
    return found


def _used(entry: Path) -> int:
    return entry.stat().st_blocks * 512


def is_template_name(name: str) -> bool:
    """Whether a file may be a container template."""
    return bool(_TEMPLATE.search(name)) and "/" not in name and not name.startswith(".")
