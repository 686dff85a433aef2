"""The index of templates that `aplinfo` and `pveam available` show.

`index.json` names the templates PVE 8.4 knew (names, versions, checksums); `/etc/rocmox-lab/aplinfo.json` of a node
adds the ones its mirror really has and replaces those of the same name.
"""

from __future__ import annotations

import functools
import json
from importlib import resources
from typing import Any

from rocmox_lab.pve.node import Node

LOCAL_INDEX = "/etc/rocmox-lab/aplinfo.json"
SOURCE = "http://download.proxmox.com/images"


@functools.lru_cache(maxsize=1)
def _known() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(resources.files(__package__).joinpath("index.json").read_text("utf-8"))
    return found


def entries(node: Node) -> list[dict[str, Any]]:
    """Every template of the index, with all the fields of PVE's."""
    own: list[dict[str, Any]] = json.loads(node.read(LOCAL_INDEX, "[]"))
    names = {entry["template"] for entry in own}
    return [_complete(entry) for entry in [*own, *(entry for entry in _known() if entry["template"] not in names)]]


def _complete(entry: dict[str, Any]) -> dict[str, Any]:
    name = entry["template"]
    package, _, rest = name.partition("_")
    section = entry.get("section", "system")
    return {
        "type": "lxc",
        "architecture": "amd64",
        "section": section,
        "os": package.rpartition("-")[0] or package,
        "package": package,
        "version": rest.split("_")[0],
        "headline": f"{package} container template",
        "description": "",
        "md5sum": "",
        "infopage": "https://pve.proxmox.com/wiki/Linux_Container",
        "maintainer": "Proxmox Support Team <support@proxmox.com>",
        "source": SOURCE,
        "location": f"{SOURCE}/{section}/{name}",
        **entry,
    }
