"""The lab's bridge, its subnet and its way out.

The subnet is a free 10.77.N.0/24, chosen under the machine's lock; the bridge's name follows from the lab's.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterable
from pathlib import Path

from rocmox.errors import RefusedError
from rocmox.files import write_whole
from rocmox.machine import Machine
from rocmox_lab.settings import LABS_DIRECTORY
from rocmox_lab.state import LabState, lab_names, read_state

_SUBNET_NUMBERS = range(1, 255)
_IP_FORWARD = "/proc/sys/net/ipv4/ip_forward"


def choose_subnet_number(taken: Iterable[str]) -> int:
    """The lowest N whose 10.77.N.0/24 overlaps none of the networks; RefusedError when there is none."""
    networks = [ipaddress.ip_network(text, strict=False) for text in taken]
    for number in _SUBNET_NUMBERS:
        candidate = ipaddress.ip_network(f"10.77.{number}.0/24")
        if not any(candidate.overlaps(network) for network in networks if network.version == candidate.version):
            return number
    raise RefusedError(
        "every 10.77.N.0/24 of this machine is taken by an address, a route or another lab",
        remedy="`rocmox lab down --name NAME` frees a lab's network; `ip route` shows what else holds 10.77.0.0/16.",
    )


def taken_networks(machine: Machine) -> list[str]:
    """Networks that this machine's labs, addresses and routes hold (the default route is no claim)."""
    taken = [state.subnet for name in lab_names() if (state := read_state(name)) is not None]
    for link in json.loads(machine.run(["ip", "-json", "-4", "address"]).check().stdout):
        taken += [f"{address['local']}/{address['prefixlen']}" for address in link.get("addr_info", [])]
    routes = json.loads(machine.run(["ip", "-json", "-4", "route", "show", "table", "all"]).check().stdout)
    return taken + [route["dst"] for route in routes if route["dst"] not in {"default", "0.0.0.0/0"}]


def link_exists(machine: Machine, name: str) -> bool:
    """Whether this machine has a network interface of that name."""
    return machine.exists(f"/sys/class/net/{name}")


def ensure_bridge(machine: Machine, state: LabState) -> bool:
    """Make the bridge and give it the gateway's address; True when it had to be made or mended."""
    found = link_exists(machine, state.bridge)
    if not found:
        machine.run(["ip", "link", "add", state.bridge, "type", "bridge"]).check()
    address = f"{state.gateway}/24"
    shown = machine.run(["ip", "-brief", "-4", "address", "show", "dev", state.bridge]).check().stdout.split()
    if address not in shown:
        machine.run(["ip", "address", "add", address, "dev", state.bridge]).check()
    machine.run(["ip", "link", "set", state.bridge, "up"]).check()
    return not found or address not in shown


def remove_link(machine: Machine, name: str) -> None:
    """Remove an interface if it is there."""
    if link_exists(machine, name):
        machine.run(["ip", "link", "delete", name]).check()


def enable_forwarding(machine: Machine) -> None:
    """Switch on IPv4 forwarding, and remember what it was before the first lab. Call it with the machine's lock."""
    value = machine.read_bytes(_IP_FORWARD).decode().strip()
    memory = _forwarding_memory()
    if not memory.exists():
        write_whole(memory, value + "\n", mode=0o600)
    if value != "1":
        machine.run(["sysctl", "--quiet", "--write", "net.ipv4.ip_forward=1"]).check()


def restore_forwarding(machine: Machine) -> None:
    """Put IPv4 forwarding back when the last lab goes. Call it with the machine's lock."""
    memory = _forwarding_memory()
    if not memory.exists():
        return
    before = memory.read_text().strip()
    if machine.read_bytes(_IP_FORWARD).decode().strip() != before:
        machine.run(["sysctl", "--quiet", "--write", f"net.ipv4.ip_forward={before}"]).check()
    memory.unlink()


def _forwarding_memory() -> Path:
    return LABS_DIRECTORY / ".ip_forward_before"
