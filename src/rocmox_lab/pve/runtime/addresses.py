"""Interfaces as the guest has them (`PVE::LXC::get_interfaces`)."""

from __future__ import annotations

import json
from typing import Any

from rocmox.machine import LocalMachine
from rocmox_lab.pve.runtime_protocol import Address, Interface


def read(pid: int) -> list[Interface]:
    """`ip address` in the network namespace of the guest's first process, by the node's own ip."""
    command = ["nsenter", "-t", str(pid), "--net", "--", "ip", "-json", "address", "show"]
    done = LocalMachine().run(command)
    return parse(done.stdout) if done.exit_status == 0 else []


def parse(text: str) -> list[Interface]:
    """Output of `ip -json address show`. Pure."""
    return [_interface(entry) for entry in json.loads(text) if entry]


def _interface(entry: dict[str, Any]) -> Interface:
    return Interface(
        name=entry["ifname"],
        hwaddr=entry.get("address", ""),
        addresses=[
            Address(family=each["family"], address=each["local"], prefix_length=each["prefixlen"])
            for each in entry.get("addr_info", [])
            if "local" in each
        ],
    )
