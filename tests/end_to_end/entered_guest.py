"""A container of its own for the connection tests, the ways into it, and a relay that lets its node vanish."""

import contextlib
import dataclasses
import os
import socket
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.playbook.play_context import PlayContext
from ansible.plugins.loader import connection_loader, init_plugin_loader
from ansible.utils.collection_loader import AnsibleCollectionConfig

from tests.end_to_end.conftest import ROOT

VMID = 191
MISSING_VMID = 199
TEMPLATE = "local:vztmpl/debian-13-standard_13.1-2_amd64.tar.zst"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Node:
    """How to reach the lab's node: what a user writes in the inventory."""

    address: str
    private_key: str
    known_hosts: str

    @property
    def variables(self) -> dict[str, Any]:
        return {
            "ansible_host": self.address,
            "ansible_user": "root",
            "ansible_ssh_private_key_file": self.private_key,
            "ansible_ssh_common_args": f"-o UserKnownHostsFile={self.known_hosts} -o HostKeyAlias={self.address}",
            "ansible_python_interpreter": "/usr/bin/python3",
            "proxmox_vmid": VMID,
        }

    def run(self, *argv: str, check: bool = True) -> str:
        """Run a command on the node itself, past the plugin under test."""
        options = ["-i", self.private_key, "-o", f"UserKnownHostsFile={self.known_hosts}", "-o", "BatchMode=yes"]
        done = subprocess.run(
            ["ssh", *options, f"root@{self.address}", *argv], capture_output=True, text=True, timeout=300, check=False
        )
        assert done.returncode == 0 or not check, f"{argv}: {done.stdout}{done.stderr}"
        return done.stdout


def enter(node: Node, **variables: Any) -> Any:
    """The connection plugin as Ansible makes it for a task, with these variables on top of the node's."""
    if not AnsibleCollectionConfig.collection_finder:
        init_plugin_loader()
    if not connection_loader.find_plugin("pve_lxc"):
        connection_loader.add_directory(str(ROOT / "plugins" / "connection"))
    settings = node.variables | variables
    context = PlayContext()
    context.remote_addr = settings["ansible_host"]
    connection = connection_loader.get("pve_lxc", context, task_uuid="test", ansible_playbook_pid=str(os.getpid()))
    connection.set_options(var_options=settings)
    return connection


def fetch_template(node: Node) -> None:
    node.run("pveam", "download", *TEMPLATE.split(":vztmpl/"))


def make_guest(node: Node) -> None:
    """Create and start the container; one that a killed run left behind is used again."""
    if "status" not in node.run("pct", "status", str(VMID), check=False):
        fetch_template(node)
        create = ["--hostname", "entered", "--unprivileged", "1", "--features", "nesting=1", "--rootfs", "local:2"]
        node.run("pct", "create", str(VMID), TEMPLATE, *create, "--memory", "512")
    start_guest(node)


def start_guest(node: Node) -> None:
    if "running" not in node.run("pct", "status", str(VMID)):
        node.run("pct", "start", str(VMID))


class Relay:
    """A TCP relay on this machine to a node's sshd: it can fall silent, or hang up."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._flows = threading.Event()
        self._flows.set()
        self._sockets: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def fall_silent(self) -> None:
        """The cable is pulled: no byte, no reset."""
        self._flows.clear()

    def hang_up(self) -> None:
        """The node dies: its connections end."""
        for end in self._sockets:
            with contextlib.suppress(OSError):  # a connection that ended earlier by itself
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._flows.set()
        for end in [self._listener, *self._sockets]:
            end.close()

    @property
    def variables(self) -> Mapping[str, Any]:
        return {"ansible_host": "127.0.0.1", "ansible_port": self.port, "pve_lxc_alive_interval": 1}

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.create_connection((self._address, 22))
            self._sockets += [near, far]
            for pair in ((near, far), (far, near)):
                threading.Thread(target=self._pump, args=pair, daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                self._flows.wait()
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            return


def names_in(directory: Path) -> list[str]:
    return sorted(entry.name for entry in directory.iterdir())
