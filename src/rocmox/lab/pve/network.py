"""/etc/network/interfaces as `/nodes/{node}/network` shows it (PVE::INotify): bridges with addresses, plain interfaces."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Any

from rocmox.lab.pve.node import Node

PATH = "/etc/network/interfaces"
_STANZA = re.compile(r"^iface\s+(\S+)\s+(inet6?)\s+(\S+)")


def interfaces(node: Node) -> list[dict[str, Any]]:
    """All configured interfaces, in the file's order."""
    found: dict[str, dict[str, Any]] = {}
    auto: set[str] = set()
    current: dict[str, Any] | None = None
    for line in node.read(PATH).splitlines():
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        stanza = _STANZA.match(line.strip())
        if words[0] in {"auto", "allow-hotplug"}:
            auto |= set(words[1:])
            current = None
        elif stanza:
            current = found.setdefault(stanza[1], _new(stanza[1], len(found)))
            current["method" if stanza[2] == "inet" else "method6"] = stanza[3]
        elif current is not None:
            _option(current, words[0].replace("-", "_"), " ".join(words[1:]))
    lines = [_complete(entry, auto) for name, entry in found.items() if name != "lo"]
    return sorted(lines, key=lambda entry: str(entry["iface"]))


def _new(name: str, position: int) -> dict[str, Any]:
    return {"iface": name, "method": "manual", "method6": "manual", "families": ["inet"], "priority": position + 2}


def _option(entry: dict[str, Any], key: str, value: str) -> None:
    if key == "address":
        interface = ipaddress.ip_interface(value)
        entry.update(address=str(interface.ip), netmask=str(interface.network.prefixlen), cidr=str(interface))
    elif key in {"gateway", "bridge_ports", "bridge_stp", "bridge_fd"}:
        entry[key] = "" if value == "none" else value


def _complete(entry: dict[str, Any], auto: set[str]) -> dict[str, Any]:
    bridge = any(key.startswith("bridge_") for key in entry) or str(entry["iface"]).startswith("vmbr")
    entry["type"] = "bridge" if bridge else "eth"
    if bridge:
        entry = {"bridge_ports": "", "bridge_stp": "off", "bridge_fd": "0", **entry}
    else:
        entry["exists"] = 1
    entry["active"] = 1
    if entry["iface"] in auto:
        entry["autostart"] = 1
    return entry


def bridges(node: Node) -> list[str]:
    """Names of the bridges that exist now."""
    folder = Path("/sys/class/net")
    live = [entry.name for entry in folder.iterdir() if (entry / "bridge").is_dir()] if folder.is_dir() else []
    return sorted({*live, *(str(entry["iface"]) for entry in interfaces(node) if entry["type"] == "bridge")})
