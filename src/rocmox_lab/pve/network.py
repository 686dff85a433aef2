"""/etc/network/interfaces as `/nodes/{node}/network` shows it (PVE::INotify): bridges, plain interfaces."""

from __future__ import annotations

import difflib
import ipaddress
import re
from typing import Any

from rocmox_lab.pve.node import Node

PATH = "/etc/network/interfaces"
STAGED = "/etc/network/interfaces.new"
LIVE = "/sys/class/net"
_PHYSICAL = re.compile(r"^(eth|en|ib)")
_STANZA = re.compile(r"^iface\s+(\S+)\s+(inet6?)\s+(\S+)")


def interfaces(node: Node) -> list[dict[str, Any]]:
    """All configured interfaces, in the file's order."""
    found: dict[str, dict[str, Any]] = {}
    auto: set[str] = set()
    current: dict[str, Any] | None = None
    for line in (node.read(STAGED) or node.read(PATH)).splitlines():
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
    live = _live(node)
    lines = [_complete(entry, auto, live) for name, entry in found.items() if name != "lo"]
    lines += [_unconfigured(name) for name in live if name not in found and _PHYSICAL.match(name)]
    return sorted(lines, key=lambda entry: str(entry["iface"]))


def _live(node: Node) -> list[str]:
    folder = node.path(LIVE)
    return sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []


def _unconfigured(name: str) -> dict[str, Any]:
    """A network card that the file does not mention."""
    entry = _new(name, 0)
    del entry["priority"]
    return {**entry, "type": "eth", "exists": 1, "active": 1}


def _new(name: str, position: int) -> dict[str, Any]:
    return {"iface": name, "method": "manual", "method6": "manual", "families": ["inet"], "priority": position + 2}


def _option(entry: dict[str, Any], key: str, value: str) -> None:
    if key == "address":
        interface = ipaddress.ip_interface(value)
        entry.update(address=str(interface.ip), netmask=str(interface.network.prefixlen), cidr=str(interface))
    elif key in {"gateway", "bridge_ports", "bridge_stp", "bridge_fd"}:
        entry[key] = "" if value == "none" else value


def _complete(entry: dict[str, Any], auto: set[str], live: list[str]) -> dict[str, Any]:
    bridge = any(key.startswith("bridge_") for key in entry) or str(entry["iface"]).startswith("vmbr")
    entry["type"] = "bridge" if bridge else "eth"
    if bridge:
        entry = {"bridge_ports": "", "bridge_stp": "off", "bridge_fd": "0", **entry}
    else:
        entry["exists"] = 1
    if entry["iface"] in live:
        entry["active"] = 1
    if entry["iface"] in auto:
        entry["autostart"] = 1
    return entry


def stage(node: Node, lines: list[str]) -> None:
    """Add a stanza to the file that waits to be applied."""
    known = {str(entry["iface"]) for entry in interfaces(node) if "priority" in entry}
    cards = [name for name in _live(node) if _PHYSICAL.match(name) and name not in known]
    lines = [*lines, *(f"\niface {name} inet manual" for name in cards)]
    text = node.read(STAGED) or node.read(PATH)
    node.write(STAGED, text.rstrip("\n") + "\n\n" + "".join(f"{line}\n" for line in lines), mode=0o644)


def revert(node: Node) -> None:
    """Forget what waits."""
    node.path(STAGED).unlink(missing_ok=True)


def changes(node: Node) -> str:
    """The waiting difference, empty when there is none."""
    if not node.path(STAGED).exists():
        return ""
    old, new = node.read(PATH).splitlines(keepends=True), node.read(STAGED).splitlines(keepends=True)
    return "".join(difflib.unified_diff(old, new, PATH, STAGED))
