import socket
from typing import Any

import pytest

from rocmox.containers.access import open_access
from rocmox.errors import RefusedError
from rocmox.machine import LocalMachine
from rocmox.machine.ssh import SshMachine
from rocmox.proxmox import PveshApi
from rocmox.proxmox.https import HttpsApi

NODE = {"node": "pve1"}
HOST = {"api_host": "192.0.2.10"}
PASSWORD = {"api_password": "hush"}
TOKEN = {"api_user": "root@pam", "api_token_id": "site", "api_token_secret": "hush"}
SHELL = {"ssh_destination": "root@192.0.2.10", "ssh_options": "-i '/keys/one two'"}


@pytest.fixture(autouse=True)
def _home(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.mark.parametrize(
    ("given", "api", "machine", "words"),
    [
        (HOST | PASSWORD | SHELL, HttpsApi, SshMachine, "HTTPS to https://192.0.2.10:8006 as root@pam (password"),
        (HOST | PASSWORD, HttpsApi, type(None), "certificate vouched for by a CA"),
        (HOST | PASSWORD | {"api_fingerprint": "AB" * 32}, HttpsApi, type(None), "pinned certificate"),
        (HOST | TOKEN | SHELL, HttpsApi, SshMachine, "as root@pam!site (API token"),
        (HOST | SHELL, PveshApi, SshMachine, "pvesh over ssh://root@192.0.2.10 (host key verified) as root@pam"),
        (HOST | PASSWORD | SHELL | {"way": "ssh"}, PveshApi, SshMachine, "pvesh over ssh://"),
        ({"ssh_destination": "local"}, PveshApi, LocalMachine, "pvesh on this machine as root@pam"),
        (HOST | PASSWORD | {"ssh_destination": "local"}, HttpsApi, LocalMachine, "HTTPS"),
    ],
)
def test_the_way_follows_from_what_is_given_and_says_so(
    given: dict[str, str], api: type, machine: type, words: str
) -> None:
    access = open_access(NODE | given)
    assert type(access.node.api) is api
    assert type(access.machine) is machine
    assert words in access.description
    assert "hush" not in repr(access) + access.description


def test_a_controller_that_is_the_node_uses_its_own_pvesh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "pve1.example.org")
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    assert open_access(NODE | SHELL).description.startswith("pvesh on this machine")
    assert open_access({"node": "pve2"} | SHELL).description.startswith("pvesh over ssh://")


@pytest.mark.parametrize("given", [{}, HOST, {"way": "ssh"}])
def test_no_way_is_refused_with_what_is_needed(given: dict[str, str]) -> None:
    with pytest.raises(RefusedError, match="no way into the node pve1") as caught:
        open_access(NODE | given)
    assert "ansible_user: root" in caught.value.remedy


def test_credentials_without_an_address_are_refused() -> None:
    with pytest.raises(RefusedError, match="address is missing"):
        open_access(NODE | PASSWORD)
