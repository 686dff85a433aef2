"""The node itself: status, network, packages, services, time (PVE::API2::Nodes and its parts)."""

from __future__ import annotations

import hashlib
import json
import time
from typing import Any

from rocmox_lab.pve import host, network
from rocmox_lab.pve.answers import AnswerError, BadParameterError
from rocmox_lab.pve.call import Call, route
from rocmox_lab.pve.node import VERSIONS


@route("GET /nodes/{node}")
def index(_call: Call) -> list[dict[str, str]]:
    """What a node has below it, all of PVE, not only what the lab answers."""
    names = (
        "aplinfo apt capabilities ceph certificates config disks dns firewall hardware hosts journal lxc migrateall "
        "netstat network qemu query-url-metadata replication report rrd rrddata scan services spiceshell startall "
        "status stopall storage subscription suspendall syslog tasks termproxy time version vncshell vzdump wakeonlan "
        "sdn"
    )
    return [{"name": name} for name in names.split()]


@route("GET /nodes/{node}/status")
def status(call: Call) -> dict[str, Any]:
    """Load, memory, disks, kernel."""
    return host.status(call.node)


@route("GET /nodes/{node}/network")
def networks(call: Call) -> list[dict[str, Any]]:
    """Interfaces of the node."""
    kind = call.text("type")
    found = network.interfaces(call.node)
    if waiting := network.changes(call.node):
        call.attributes["changes"] = waiting
    if kind in {None, ""}:
        return found
    wanted = {"any_bridge": {"bridge", "OVSBridge"}, "any_local_bridge": {"bridge", "OVSBridge"}}.get(kind, {kind})
    return [entry for entry in found if entry["type"] in wanted]


@route("POST /nodes/{node}/network")
def create_network(call: Call) -> None:
    """A new bridge, to be applied later; it waits in interfaces.new."""
    name, kind = call.need("iface"), call.need("type")
    if any(entry["iface"] == name for entry in network.interfaces(call.node)):
        raise BadParameterError({"iface": "interface already exists"})
    if kind != "bridge":
        message = f"the lab creates bridges, not '{kind}'\n"
        raise AnswerError(message)
    lines = [f"auto {name}"] if call.flag("autostart") else []
    lines.append(f"iface {name} inet {'static' if 'cidr' in call.parameters else 'manual'}")
    lines += [f"\taddress {call.need('cidr')}"] if "cidr" in call.parameters else []
    ports = call.text("bridge_ports") or "none"
    network.stage(call.node, [*lines, f"\tbridge-ports {ports}", "\tbridge-stp off", "\tbridge-fd 0"])


@route("DELETE /nodes/{node}/network")
def revert_network(call: Call) -> None:
    """Forget changes that were not applied."""
    network.revert(call.node)


@route("GET /nodes/{node}/network/{iface}")
def one_network(call: Call) -> dict[str, Any]:
    """One interface."""
    for entry in network.interfaces(call.node):
        if entry["iface"] == call.need("iface"):
            return {key: value for key, value in entry.items() if key != "iface"}
    message = "interface does not exist\n"
    raise AnswerError(message, status=400)


@route("GET /nodes/{node}/apt/versions")
def packages(call: Call) -> list[dict[str, Any]]:
    """Versions of PVE's own packages that the lab stands for."""
    number = VERSIONS[call.node.version][0]
    kernel = host.status(call.node)["current-kernel"]["release"]
    line = {
        "Arch": "amd64",
        "Origin": "Proxmox",
        "Priority": "optional",
        "Section": "admin",
        "CurrentState": "Installed",
    }
    found = {"proxmox-ve": number, "pve-manager": number, "pve-container": "6.0.18" if call.node.modern else "5.2.6"}
    lines = [
        {**line, "Package": name, "Title": name, "Description": name, "Version": text, "OldVersion": text}
        for name, text in found.items()
    ]
    lines[0]["RunningKernel"] = kernel
    lines[1]["ManagerVersion"] = number
    return lines


@route("GET /nodes/{node}/dns")
def dns(call: Call) -> dict[str, str]:
    """Name servers of the node."""
    found: dict[str, str] = {}
    for line in call.node.read("/etc/resolv.conf").splitlines():
        words = line.split()
        if words[:1] == ["nameserver"] and len(found) < 3:  # noqa: PLR2004 - dns1 to dns3
            found[f"dns{len(found) + 1}"] = words[1]
        elif words[:1] == ["search"]:
            found["search"] = words[1]
    return found


@route("GET /nodes/{node}/time")
def node_time(_call: Call) -> dict[str, Any]:
    """Clock of the node."""
    now = int(time.time())
    return {"time": now, "localtime": now - time.timezone, "timezone": "Etc/UTC"}


@route("GET /nodes/{node}/hosts")
def hosts(call: Call) -> dict[str, str]:
    """/etc/hosts."""
    text = call.node.read("/etc/hosts")
    return {"data": text, "digest": hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()}


@route("GET /nodes/{node}/subscription")
def subscription(_call: Call) -> dict[str, str]:
    """There is none."""
    return {
        "status": "notfound",
        "message": "There is no subscription key",
        "serverid": "00000000000000000000000000000000",
        "url": "https://www.proxmox.com/en/proxmox-virtual-environment/pricing",
    }


@route("POST /nodes/{node}/execute")
def execute(call: Call) -> list[dict[str, Any]]:
    """A batch of calls; the lab answers those without side effects."""
    answers = []
    for command in json.loads(call.need("commands")):
        if command.get("method") == "GET" and command.get("path", "").strip("/") == "version":
            number, repository, release = VERSIONS[call.node.version]
            answers.append({"status": 200, "data": {"version": number, "repoid": repository, "release": release}})
        else:
            answers.append({"status": 501, "message": "not implemented"})
    return answers
