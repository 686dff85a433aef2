"""The set-up that the recordings assume (`data/pve/README.md`), and what a replay needs of a node that has it."""

from __future__ import annotations

import http.client
import subprocess
from typing import Protocol

NODE = "pve"
TEMPLATE = "debian-12-standard_12.7-1_amd64.tar.zst"
TOKEN_SECRET = "11111111-2222-3333-4444-555555555555"
PASSWORDS = {
    "root@pam": "pve-test-1",
    "admin@pve": "admin-test-1",
    "vmadm@pve": "vmadm-test-1",
    "nobody@pve": "nobody-test-1",
}
TOKENS = {"root@pam": {"full": 0, "sep": 1, "sepadm": 1}, "admin@pve": {"tok": 0}, "vmadm@pve": {"tok": 0}}
ACL = [
    ("/", "user", "admin@pve", "Administrator"),
    ("/", "token", "root@pam!sepadm", "Administrator"),
    ("/vms", "user", "vmadm@pve", "PVEVMAdmin"),
    ("/storage/local", "user", "vmadm@pve", "PVEDatastoreUser"),
    ("/sdn", "user", "vmadm@pve", "PVESDNUser"),
]


class NotReplayedError(Exception):
    """A case whose call could not be made or got no answer; the text says why."""


class World(Protocol):
    """One fresh node: its API, its command line, and its files where the recording worked by hand."""

    def connect(self) -> http.client.HTTPConnection:
        """A new connection to the API."""

    def run(self, argv: list[str], stdin: str) -> subprocess.CompletedProcess[str]:
        """One of PVE's commands on the node."""

    def by_hand(self, argv: list[str]) -> None:
        """Any other command that the recording ran there."""

    def read(self, path: str) -> str:
        """A file of the node."""

    def write(self, path: str, text: str) -> None:
        """Replace a file of the node."""

    def make_device(self, path: str) -> None:
        """A character device that has a driver's number."""

    def remove(self, path: str) -> None:
        """Delete a file or device."""

    def close(self) -> None:
        """Leave nothing running."""


def accounts() -> dict[str, object]:
    """Users, passwords, tokens and ACL in plain words; the node hashes what is secret."""
    return {"passwords": PASSWORDS, "tokens": TOKENS, "acl": ACL, "secret": TOKEN_SECRET}
