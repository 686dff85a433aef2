"""Chooses the way into the node, and says which: HTTPS with a ticket or a token, `pvesh` over SSH, `pvesh` here."""

from __future__ import annotations

import dataclasses
import shlex
import shutil
import socket
from collections.abc import Mapping
from typing import Any

from rocmox.errors import RefusedError
from rocmox.machine import LocalMachine, Machine
from rocmox.machine.ssh import SshMachine
from rocmox.proxmox import Account, Endpoint, Node, PveshApi
from rocmox.proxmox.https import HttpsApi

AUTO, HTTPS, SSH, LOCAL = "auto", "https", "ssh", "local"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Access:
    """A node through the way that was chosen; `machine` is its command line, None when nobody said how to reach it."""

    node: Node
    machine: Machine | None
    description: str
    """For people: which way, as whom, and how the other end is known."""


def open_access(parameters: Mapping[str, Any]) -> Access:
    """The way that `way` names, or the first for which everything is given; nothing is sent yet."""
    kind = parameters.get("way") or AUTO
    if kind == AUTO:
        kind = _choose(parameters)
    if kind == HTTPS:
        return _over_https(parameters)
    machine = _machine(parameters, local=kind == LOCAL)
    if machine is None:
        raise _nothing_given(parameters)
    node = Node(api=PveshApi(machine), name=parameters["node"])
    words = "pvesh on this machine" if kind == LOCAL else f"pvesh over {machine.name} (host key verified)"
    return Access(node=node, machine=machine, description=f"{words} as {PveshApi.account_name}")


def _choose(parameters: Mapping[str, Any]) -> str:
    """Credentials of the API mean HTTPS; without them root's own shell, here when this is the node, else over SSH."""
    if parameters.get("api_password") or parameters.get("api_token_secret"):
        return HTTPS
    destination = parameters.get("ssh_destination")
    if destination == LOCAL or _is_this_machine(parameters):
        return LOCAL
    if destination:
        return SSH
    raise _nothing_given(parameters)


def _is_this_machine(parameters: Mapping[str, Any]) -> bool:
    own_name = socket.gethostname().partition(".")[0]
    return own_name == parameters["node"] and shutil.which("pvesh") is not None


def _over_https(parameters: Mapping[str, Any]) -> Access:
    if not parameters.get("api_host"):
        raise RefusedError(
            "the API's address is missing", remedy="Set pve_api_host, or leave the API's credentials out to use SSH."
        )
    endpoint = Endpoint(
        host=parameters["api_host"],
        port=int(parameters.get("api_port") or 8006),
        fingerprint=parameters.get("api_fingerprint") or "",
        ca_file=parameters.get("api_ca_file") or "",
        timeout_seconds=float(parameters.get("api_timeout_seconds") or 30),
    )
    account = Account(
        user=parameters.get("api_user") or "root@pam",
        password=parameters.get("api_password") or "",
        token_id=parameters.get("api_token_id") or "",
        token_secret=parameters.get("api_token_secret") or "",
    )
    known = "pinned certificate" if endpoint.fingerprint else "certificate vouched for by a CA"
    secret = "API token" if account.token_id else "password"
    return Access(
        node=Node(api=HttpsApi(endpoint, account), name=parameters["node"]),
        machine=_machine(parameters, local=False),
        description=f"HTTPS to {endpoint.address} as {account.name} ({secret}, {known})",
    )


def _machine(parameters: Mapping[str, Any], *, local: bool) -> Machine | None:
    destination = parameters.get("ssh_destination")
    if local or destination == LOCAL:
        return LocalMachine()
    if not destination:
        return None
    return SshMachine(destination, options=shlex.split(parameters.get("ssh_options") or ""))


def _nothing_given(parameters: Mapping[str, Any]) -> RefusedError:
    return RefusedError(
        f"there is no way into the node {parameters['node']}: no password, no API token, no SSH",
        remedy="Set pve_api_host with pve_api_password (from Ansible Vault), or let Ansible reach the node as root "
        "over SSH (ansible_host, ansible_user: root).",
    )
