"""The lab's API server as a process of its own, over HTTPS, with pretended guests: no root, no container."""

import contextlib
import dataclasses
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from rocmox_lab.pve.access import store
from rocmox_lab.pve.access_log import PATH as ACCESS_LOG
from rocmox_lab.pve.host import fingerprint
from rocmox_lab.pve.node import Node, Settings

HOST = "127.0.0.1"
PASSWORD = "pretended-root"
NODE = "pve1"
TEMPLATE = "debian-12-standard_12.12-1_amd64.tar.zst"
_INTERFACES = "auto vmbr0\niface vmbr0 inet manual\n\tbridge-ports none\n"


@dataclasses.dataclass(frozen=True, kw_only=True)
class PretendedPve:
    """Where it listens, how its certificate is pinned, and the file in which it counts its calls."""

    port: int
    fingerprint: str
    access_log: Path

    def calls(self) -> int:
        """The requests answered so far."""
        return len(self.access_log.read_text(encoding="utf-8").splitlines())


@contextlib.contextmanager
def serving(root: Path, *, version: str = "8.4") -> Iterator[PretendedPve]:
    """A node below an empty folder, up until the block ends."""
    node = _furnish(root, version)
    port = _free_port()
    argv = [sys.executable, "-m", "rocmox_lab.pve.serve", "--root", str(root), "--fake-runtime", "--node", NODE]
    argv += ["--pve", version, "--host", HOST, "--port", str(port)]
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL) as process:
        try:
            _await(port)
            yield PretendedPve(port=port, fingerprint=fingerprint(node), access_log=node.path(ACCESS_LOG))
        finally:
            process.terminate()


def _furnish(root: Path, version: str) -> Node:
    node = Node(root, settings=Settings(node=NODE, pve_version=version, runtime="fake"))
    node.write("/etc/network/interfaces", _INTERFACES)
    template = node.path(f"/var/lib/vz/template/cache/{TEMPLATE}")
    template.parent.mkdir(parents=True)
    template.write_text("a template by name only", encoding="utf-8")
    with store.changing(node) as data:
        data["users"]["root@pam"]["password"] = store.hash_password(PASSWORD)
    return node


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _await(port: int) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            ssl.get_server_certificate((HOST, port))
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return
