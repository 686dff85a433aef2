"""The HTTPS way against the lab's API server while faults are set: what is repeated, reported, renewed."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from rocmox.errors import MachineError
from rocmox.machine import LocalMachine
from rocmox.proxmox import Account, Endpoint
from rocmox.proxmox.failures import LostAnswerError
from rocmox.proxmox.https import HttpsApi
from rocmox_lab.faults import records
from rocmox_lab.faults.registry import find_fault
from rocmox_lab.faults.target import FaultTarget
from rocmox_lab.pve import host
from rocmox_lab.pve.node import Node
from tests.unit.rocmox_lab.pve.pretended_node import make_node
from tests.unit.rocmox_lab.pve.served import served


class Lab:
    def __init__(self, node: Node, port: int) -> None:
        self.target = FaultTarget(node_state=node.path("/var/lib/rocmox-lab"), run=LocalMachine().run)
        endpoint = Endpoint(host="127.0.0.1", port=port, fingerprint=host.fingerprint(node), timeout_seconds=1.3)
        self.api = HttpsApi(endpoint, Account(user="root@pam", password="root-secret-1"))

    def broken(self, name: str, *words: str) -> None:
        fault = find_fault(name)
        records.set_fault(self.target, fault, fault.read(words))

    def fired(self, name: str) -> int:
        return records.fired_count(self.target, name)


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    node = make_node(tmp_path)
    with served(node) as port:
        lab = Lab(node, port)
        yield lab
        records.clear_all(lab.target)


BREAKS = [
    ("api-error", "status=503"),
    ("api-error", "status=596"),
    ("api-reset", "when=before"),
    ("api-reset", "when=after"),
    ("api-truncated", "after=0"),
    ("api-timeout", "when=before"),
]


@pytest.mark.parametrize("fault", BREAKS)
def test_a_read_is_repeated_until_its_answer_is_whole(lab: Lab, fault: tuple[str, str]) -> None:
    lab.broken(*fault, "path=/version", "times=2")
    assert lab.api.get("/version")["release"] == "8.4"
    assert lab.fired(fault[0]) == 2


@pytest.mark.parametrize("fault", BREAKS)
def test_a_login_is_repeated_as_well(lab: Lab, fault: tuple[str, str]) -> None:
    lab.broken(*fault, "path=/access/ticket", "times=1")
    assert lab.api.get("/version")["release"] == "8.4"
    assert lab.fired(fault[0]) == 1


@pytest.mark.parametrize("fault", BREAKS)
def test_a_change_is_sent_once_and_said_to_be_open(lab: Lab, fault: tuple[str, str]) -> None:
    lab.broken(*fault, "method=POST", "path=/pools", "times=0")
    with pytest.raises(LostAnswerError) as caught:
        lab.api.post("/pools", {"poolid": "once"})
    assert caught.value.remedy
    assert lab.fired(fault[0]) == 1


def test_a_read_gives_up_in_the_end(lab: Lab) -> None:
    lab.broken("api-truncated", "path=/version", "times=0")
    with pytest.raises(MachineError, match="the answer broke off"):
        lab.api.get("/version")
    assert lab.fired("api-truncated") == 3


def test_a_ticket_that_expires_is_renewed_for_reads_and_changes(lab: Lab) -> None:
    lab.broken("ticket-expired", "method=POST", "path=/pools")
    lab.api.post("/pools", {"poolid": "renewed"})
    assert lab.fired("ticket-expired") == 1
    assert [pool["poolid"] for pool in lab.api.get("/pools")] == ["renewed"]


def test_what_was_never_sent_is_not_open(tmp_path: Path) -> None:
    endpoint = Endpoint(host="127.0.0.1", port=1, fingerprint=host.fingerprint(make_node(tmp_path)), timeout_seconds=1)
    with pytest.raises(MachineError) as caught:
        HttpsApi(endpoint, Account(user="root@pam", password="x")).post("/pools", {"poolid": "x"})
    assert not isinstance(caught.value, LostAnswerError)


@contextlib.contextmanager
def hanging_up() -> Iterator[tuple[int, list[int]]]:
    """A port where every connection ends after the client's first TLS message; and how many came."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        seen: list[int] = []

        def work() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    with connection:
                        seen.append(len(connection.recv(4096)))

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        yield server.getsockname()[1], seen
        server.shutdown(socket.SHUT_RDWR)
    thread.join(5)


def test_a_connection_that_ends_amid_tls_is_no_matter_of_certificates() -> None:
    with hanging_up() as (port, seen):
        endpoint = Endpoint(host="127.0.0.1", port=port, fingerprint="AB" * 32, timeout_seconds=1)
        with pytest.raises(MachineError, match="no answer from"):
            HttpsApi(endpoint, Account(user="root@pam", token_id="x", token_secret="y")).get("/version")
    assert len(seen) == 3
