"""The cluster of one node: `/`, `/version`, `/cluster/…`, `/nodes`."""

from __future__ import annotations

from typing import Any

from rocmox_lab.pve import host
from rocmox_lab.pve.answers import BadParameterError
from rocmox_lab.pve.call import Call, route
from rocmox_lab.pve.endpoints.tasks import finished_tasks
from rocmox_lab.pve.guests import state
from rocmox_lab.pve.guests.service import Guests
from rocmox_lab.pve.node import VERSIONS
from rocmox_lab.pve.storage.config import StorageConfig

FIRST_VMID, LAST_VMID = 100, 1_000_000
_AUDIT_STORAGE = {"Datastore.Audit", "Datastore.AllocateSpace"}


@route("GET /")
def root(_call: Call) -> list[dict[str, str]]:
    """The top of the tree."""
    return [{"subdir": name} for name in ("version", "cluster", "nodes", "storage", "access", "pools")]


@route("GET /version")
@route("GET /nodes/{node}/version")
def version(call: Call) -> dict[str, str]:
    """What the node says it is."""
    number, repository, release = VERSIONS[call.node.version]
    return {"version": number, "repoid": repository, "release": release}


@route("GET /cluster")
def index(call: Call) -> list[dict[str, str]]:
    """What there is below."""
    return [{"name": path.rsplit("/", 1)[1]} for path in call.node.schema.children("/cluster")]


@route("GET /cluster/nextid")
def next_id(call: Call) -> str:
    """The first free VMID, or the wished one when it is free."""
    taken = set(Guests(call.node).files.vmids())
    if "vmid" in call.parameters:
        if call.vmid in taken:
            raise BadParameterError({"vmid": f"VM {call.vmid} already exists"})
        return str(call.vmid)
    return str(next(number for number in range(FIRST_VMID, LAST_VMID) if number not in taken))


@route("GET /cluster/resources")
def resources(call: Call) -> list[dict[str, Any]]:
    """Node, guests, storages, network zone: what the caller may see of each."""
    kind = call.text("type")
    lines: list[dict[str, Any]] = []
    if kind in {None, "vm"}:
        guests = Guests(call.node)
        seen = [vmid for vmid in guests.files.vmids() if call.rights.has(call.user, f"/vms/{vmid}", "VM.Audit")]
        lines += [state.resource(guests, vmid) for vmid in seen]
    if kind in {None, "node"}:
        lines.append(_node_line(call))
    if kind in {None, "storage"}:
        lines += _storage_lines(call)
    if kind in {None, "sdn"} and call.rights.has(call.user, "/sdn/zones/localnetwork", "SDN.Audit"):
        name = call.node.name
        lines.append(
            {"id": f"sdn/{name}/localnetwork", "node": name, "sdn": "localnetwork", "status": "ok", "type": "sdn"}
        )
    return lines


def _node_line(call: Call) -> dict[str, Any]:
    line: dict[str, Any] = {"id": f"node/{call.node.name}", "node": call.node.name, "type": "node", "status": "online"}
    if call.rights.has(call.user, f"/nodes/{call.node.name}", "Sys.Audit"):
        line.update(host.usage(call.node))
        line["cgroup-mode"] = 2
    return line


def _storage_lines(call: Call) -> list[dict[str, Any]]:
    lines = []
    for storage in StorageConfig(call.node).storages.values():
        if not _AUDIT_STORAGE & set(call.rights.at(call.user, f"/storage/{storage.id}")) or not storage.enabled:
            continue
        total, _available, used = host.space(call.node.path(storage.path))
        lines.append(
            {
                "id": f"storage/{call.node.name}/{storage.id}",
                "node": call.node.name,
                "storage": storage.id,
                "type": "storage",
                "plugintype": storage.type,
                "status": "available",
                "shared": int(storage.options.get("shared", 0)),
                "content": ",".join(storage.content),
                "disk": used,
                "maxdisk": total,
            }
        )
    return lines


@route("GET /cluster/status")
def status(call: Call) -> list[dict[str, Any]]:
    """One node, no quorum."""
    line = {"id": f"node/{call.node.name}", "name": call.node.name, "type": "node", "nodeid": 0, "local": 1}
    return [{**line, "online": 1, "ip": host.address(), "level": ""}]


@route("GET /cluster/tasks")
def tasks(call: Call) -> list[dict[str, Any]]:
    """The newest tasks of the cluster."""
    lines = finished_tasks(call)[:25]
    return [{**{k: v for k, v in line.items() if k not in {"pid", "pstart"}}, "saved": "1"} for line in lines]


@route("GET /cluster/options")
def options(call: Call) -> dict[str, Any]:
    """/etc/pve/datacenter.cfg, which is empty."""
    found: dict[str, Any] = {"mac_prefix": "BC:24:11", "allowed-tags": []}
    return {**found, "description": ""} if call.rights.has(call.user, "/", "Sys.Audit") else found


@route("GET /cluster/log")
def log(call: Call) -> list[dict[str, Any]]:
    """The cluster log: started tasks, newest first."""
    limit = call.number("max", 50)
    lines = finished_tasks(call)[:limit]
    return [
        {
            "uid": str(number),
            "id": f"{number}:{call.node.name}",
            "node": call.node.name,
            "time": line["starttime"],
            "pid": line["pid"],
            "user": line["user"],
            "pri": 6,
            "tag": "pvedaemon",
            "msg": f"end task {line['upid']} {line['status']}",
        }
        for number, line in enumerate(lines, start=1)
    ]


@route("GET /nodes")
def nodes(call: Call) -> list[dict[str, Any]]:
    """The one node."""
    line: dict[str, Any] = {"id": f"node/{call.node.name}", "node": call.node.name, "type": "node", "status": "online"}
    line["ssl_fingerprint"] = host.fingerprint(call.node)
    if call.rights.has(call.user, f"/nodes/{call.node.name}", "Sys.Audit"):
        line.update(host.usage(call.node))
    return [line]


def _empty(_call: Call) -> list[Any]:
    return []


for _path in ("/cluster/mapping/pci", "/cluster/backup"):
    route(f"GET {_path}")(_empty)
