"""A pretended Proxmox VE node for campaigns: the lab's real API server and task processes over HTTPS, guests on paper.

The server is a process of its own below a temporary folder, so it can be killed, started again and reset to a snapshot.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from rocmox.machine import Completed
from rocmox.machine.local import LocalMachine
from rocmox_lab.faults.target import FaultTarget
from rocmox_lab.pve.access import store
from rocmox_lab.pve.node import Node, Settings
from rocmox_lab.pve.tasks import TaskFiles

SOURCE = Path(__file__).resolve().parents[2] / "src"
PASSWORD = "fault-campaign-1"
TEMPLATE = "debian-12-standard_12.12-1_amd64.tar.zst"
INTERFACES = "auto lo\niface lo inet loopback\n\nauto vmbr0\niface vmbr0 inet manual\n\tbridge-ports none\n"
_KEPT = ("etc", "dev", "var/lib", "var/log/pve")
_READY_SECONDS = 30


class PretendedWorld:
    """One node below a folder."""

    def __init__(self, *, pve: str = "8.4") -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="rocmox-faults-")
        self.root = Path(self._folder.name) / "node"
        self.node = Node(self.root, settings=Settings(node="pve1", pve_version=pve, runtime="fake"))
        self.port = _free_port()
        self.fingerprint = ""
        self._server: subprocess.Popen[str] | None = None
        self._furnish()
        self.start()

    @property
    def target(self) -> FaultTarget:
        """Where faults are set."""
        return FaultTarget(node_state=self.node.path("/var/lib/rocmox-lab"), run=_run_nothing)

    def start(self) -> None:
        """Start the API server and wait until it listens."""
        options = ["--root", str(self.root), "--fake-runtime", "--node", "pve1", "--pve", self.node.version]
        listen = ["--host", "127.0.0.1", "--port", str(self.port), "--delay", "0.1"]
        self._server = subprocess.Popen(
            [sys.executable, "-m", "rocmox_lab.pve.serve", *options, *listen],
            env=self._environment(),
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._server.stdout is not None
        self.fingerprint = self._server.stdout.readline().split()[-1]
        deadline = time.monotonic() + _READY_SECONDS
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return
            time.sleep(0.02)
        raise AssertionError("the API server did not start")

    def stop(self) -> None:
        """Kill the server and every task, as a power cut does."""
        if self._server is not None:
            self._server.kill()
            self._server.wait()
            if self._server.stdout:
                self._server.stdout.close()
            self._server = None
        for pid in self.task_processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def power_cut(self) -> None:
        """Everything stops at once; the node comes back and starts the guests that start with it."""
        self.stop()
        for state in self.root.glob("var/lib/lxc/*/rocmox-fake.json"):
            state.unlink()
        self.start()
        for file in sorted(self.root.glob("etc/pve/lxc/*.conf")):
            if "onboot: 1" in file.read_text(encoding="utf-8"):
                self.command("pct", "start", file.stem)

    def command(self, name: str, *words: str) -> subprocess.CompletedProcess[str]:
        """One of PVE's commands on the node."""
        command = [sys.executable, "-m", f"rocmox_lab.pve.commands.{name}", *words]
        return subprocess.run(
            command, env=self._environment(), capture_output=True, text=True, check=False, timeout=120
        )

    def task_processes(self) -> list[int]:
        """Processes of running tasks."""
        files = TaskFiles(self.node)
        found = [files.worker_pid(task) for task in files.active()]
        return [pid for pid in found if pid is not None]

    def settle(self, timeout_seconds: float = 30) -> bool:
        """Wait for every running task; False when one did not end."""
        deadline = time.monotonic() + timeout_seconds
        while self.task_processes():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

    def save(self, name: str) -> None:
        """Remember the node's files under a name."""
        place = self.root.parent / name
        place.mkdir()
        self._copy(self.root, place)

    def restore(self, name: str) -> None:
        """The node's files as they were; nothing of it may run."""
        for pid in self.task_processes():
            os.kill(pid, signal.SIGKILL)
        place = self.root.parent / name
        subprocess.run(["rm", "--recursive", "--force", *(self.root / each for each in _KEPT)], check=True)
        self._copy(place, self.root)

    def close(self) -> None:
        """Leave nothing running."""
        self.stop()
        self._folder.cleanup()

    def _copy(self, source: Path, destination: Path) -> None:
        copy = ["cp", "--archive", "--sparse=always", "--parents", *_KEPT, str(destination)]
        subprocess.run(copy, cwd=source, check=True)

    def _environment(self) -> dict[str, str]:
        settings = {"ROOT": str(self.root), "RUNTIME": "fake", "NODE": "pve1", "PVE_VERSION": self.node.version}
        return {
            **os.environ,
            "PYTHONPATH": str(SOURCE),
            **{f"ROCMOX_LAB_{name}": value for name, value in settings.items()},
        }

    def _furnish(self) -> None:
        for number in (0, 1):
            for device in (f"/dev/dri/card{number}", f"/dev/dri/renderD{128 + number}"):
                self._write(device, "")
        for device in ("/dev/kfd", "/dev/null"):
            self._write(device, "")
        self._write(f"/var/lib/vz/template/cache/{TEMPLATE}", "a template by name only\n")
        self._write("/etc/network/interfaces", INTERFACES)
        for folder in ("/etc/pve/lxc", "/var/log/pve"):
            self.node.path(folder).mkdir(parents=True)
        with store.changing(self.node) as data:
            data["users"]["root@pam"]["password"] = store.hash_password(PASSWORD)

    def _write(self, path: str, text: str) -> None:
        target = self.node.path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")


@contextlib.contextmanager
def pretended_world(*, pve: str = "8.4") -> Iterator[PretendedWorld]:
    """A world that is taken down at the end."""
    world = PretendedWorld(pve=pve)
    try:
        yield world
    finally:
        world.close()


def _run_nothing(argv: object, *, stdin: bytes | None = None) -> Completed:
    """Faults of the API and of tasks need no command on the node."""
    raise AssertionError((argv, stdin, LocalMachine))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
