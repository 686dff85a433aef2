"""The model servers of a machine as OpenAI-compatible connections, keys included: what the chat page is given.

Carried into a guest by the role open_webui (machine/carried.py), as root: the answer holds API keys, so it is logged
nowhere.
"""

from __future__ import annotations

import socket
from typing import Any

from rocmox.errors import CannotLookError
from rocmox.facts.reading import read_text
from rocmox.facts.served import ANY_ADDRESS, Served, read_served, read_undescribed
from rocmox.machine.base import Machine


def read_connections(machine: Machine) -> dict[str, Any]:
    """`connections` of every server with an OpenAI API, and `problems`: what is served there and cannot be used."""
    served = read_served(machine)
    connections, problems = [], []
    for one in sorted((one for one in served if one.api_path), key=lambda one: one.port):
        try:
            connections.append(_connection(machine, one))
        except CannotLookError as error:
            problems.append(f"{one.unit_name}: its API key cannot be read: {error.message}.")
    problems += [f"{unit.summary}. {unit.remedy}" for unit in read_undescribed(machine, served) if unit.computes]
    return {"connections": connections, "problems": problems}


def _connection(machine: Machine, served: Served) -> dict[str, str]:
    """`probe` is a page that needs the key, to see whether it is the right one."""
    key = read_text(machine, served.api_key_file).strip() if served.api_key_file else ""
    base = f"http://{_own_address()}:{served.port}" if served.host in ANY_ADDRESS else served.base_url
    return {"url": f"{base}{served.api_path}", "api_key": key, "probe": f"{base}{served.guarded_path}"}


def _own_address() -> str:
    """This machine's address in its network; nothing is sent (udp(7): connect only looks up the route)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
        try:
            end.connect(("192.0.2.1", 9))  # TEST-NET-1, RFC 5737
        except OSError:
            return "127.0.0.1"
        return str(end.getsockname()[0])


def main(_request: object) -> dict[str, Any]:
    """The answer of this machine."""
    from rocmox.machine.local import LocalMachine  # noqa: PLC0415 - the other machines are not asked here

    return read_connections(LocalMachine())
