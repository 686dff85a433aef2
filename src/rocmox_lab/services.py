"""Whether the node's services answer, asked from this machine the way their users ask."""

from __future__ import annotations

import contextlib
import dataclasses
import http.client
import socket
import ssl
import time
from urllib.parse import urlsplit

from rocmox.errors import MachineError
from rocmox_lab.settings import LabPlaces
from rocmox_lab.state import LabState

_READY_SECONDS = 30
_ANSWER_SECONDS = 3


@dataclasses.dataclass(frozen=True, kw_only=True)
class ServiceAnswers:
    """Who answers; the API counts when it answers HTTP under the lab's own certificate."""

    ssh: bool
    api: bool
    mirror: bool

    @property
    def all(self) -> bool:
        return self.ssh and self.api and self.mirror


def ask_services(state: LabState) -> ServiceAnswers:
    """Ask each once."""
    return ServiceAnswers(ssh=_ssh_answers(state.node_address), api=_api_answers(state), mirror=_mirror_answers(state))


def wait_until_ready(state: LabState) -> str:
    """`all answer`; MachineError with the silent ones when half a minute was not enough."""
    deadline = time.monotonic() + _READY_SECONDS
    while not (answers := ask_services(state)).all:
        if time.monotonic() > deadline:
            silent = [name for name, answered in dataclasses.asdict(answers).items() if not answered]
            raise MachineError(
                f"node {state.node} ({state.node_address}): no answer from {', '.join(silent)} in {_READY_SECONDS} s",
                remedy=f"`ssh -i {state.ssh_private_key} root@{state.node_address} journalctl -b` tells why; "
                "`rocmox lab down` and `rocmox lab up` start over.",
            )
        time.sleep(0.1)
    return "all answer"


def _ssh_answers(address: str) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((address, 22), timeout=_ANSWER_SECONDS) as connection:
        connection.settimeout(_ANSWER_SECONDS)
        return connection.recv(4) == b"SSH-"
    return False


def _api_answers(state: LabState) -> bool:
    url = urlsplit(state.api_url)
    certificate = LabPlaces(name=state.name).secrets / "pve-ssl.pem"
    with contextlib.suppress(OSError, http.client.HTTPException):
        connection = http.client.HTTPSConnection(
            url.hostname or "",
            url.port,
            timeout=_ANSWER_SECONDS,
            context=ssl.create_default_context(cafile=str(certificate)),
        )
        with contextlib.closing(connection):
            connection.request("GET", "/")  # without a ticket the API itself takes three seconds to refuse
            return connection.getresponse().status == http.client.OK
    return False


def _mirror_answers(state: LabState) -> bool:
    url = urlsplit(state.mirror_url)
    with contextlib.suppress(OSError, http.client.HTTPException):
        connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=_ANSWER_SECONDS)
        with contextlib.closing(connection):
            connection.request("HEAD", "/sources/")
            return connection.getresponse().status == http.client.OK
    return False
