"""A node that is a folder: fake runtime, server in a thread, commands as processes. No root, no containers."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from aiohttp import web

from rocmox_lab.pve.api import Api
from rocmox_lab.pve.http import Server
from rocmox_lab.pve.node import Node, Settings
from rocmox_lab.pve.worker import Spawner
from tests.contract import world
from tests.contract.seed_accounts import seed

SOURCE = Path(__file__).resolve().parents[2] / "src"
INTERFACES = """auto lo
iface lo inet loopback

auto vmbr0
iface vmbr0 inet static
\taddress 10.99.0.1/24
\tbridge-ports none
\tbridge-stp off
\tbridge-fd 0
"""


class TreeWorld:
    """One fresh set-up below a temporary folder."""

    def __init__(self, *, pve: str) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="rocmox-contract-"))
        self._pve = pve
        self._port = 0
        self.node = Node(self.root, settings=Settings(node=world.NODE, pve_version=pve, runtime="fake"))
        self._furnish()
        self._loop = asyncio.new_event_loop()
        ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, args=(ready,), daemon=True)
        self._thread.start()
        ready.wait(20)

    def _furnish(self) -> None:
        seed(self.node, json.loads(json.dumps(world.accounts())))
        self.write(f"/var/lib/vz/template/cache/{world.TEMPLATE}", "a template by name only\n")
        for device in ("/dev/kfd", "/dev/dri/card0", "/dev/dri/renderD128", "/dev/null"):
            self.write(device, "")
        for folder in ("/dev/shm", "/tmp", *(f"/sys/class/net/{name}" for name in ("eth0", "lo", "vmbr0"))):  # noqa: S108 - inside the tree
            self.node.path(folder).mkdir(parents=True)
        self.write("/etc/network/interfaces", INTERFACES)
        self.write("/etc/resolv.conf", "nameserver 192.0.2.53\n")
        self.write("/etc/hosts", "127.0.0.1 localhost\n")

    def _serve(self, ready: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        runner = web.AppRunner(Server(Api(self.node, Spawner(self.node)), delay_seconds=0).application())
        self._loop.run_until_complete(runner.setup())
        site = web.TCPSite(runner, "127.0.0.1", 0)
        self._loop.run_until_complete(site.start())
        self._port = runner.addresses[0][1]
        ready.set()
        self._loop.run_forever()
        self._loop.run_until_complete(runner.cleanup())
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)

    def run(self, argv: list[str], stdin: str) -> subprocess.CompletedProcess[str]:
        settings = {"ROOT": str(self.root), "RUNTIME": "fake", "NODE": world.NODE, "PVE_VERSION": self._pve}
        environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
        environment.update({f"ROCMOX_LAB_{name}": value for name, value in settings.items()})
        command = [sys.executable, "-m", f"rocmox_lab.pve.commands.{argv[0]}", *argv[1:]]
        return subprocess.run(
            command, env=environment, input=stdin, capture_output=True, text=True, check=False, timeout=120
        )

    def by_hand(self, argv: list[str]) -> None:
        if argv[0] == "mknod":
            self.make_device(argv[1])
        elif argv[0] == "rm":
            self.remove(argv[1])
        elif argv[0] == "sh":
            script = re.sub(r"/(etc/pve|tmp/)", lambda match: f"{self.root}{match[0]}", argv[2])
            subprocess.run(["sh", "-c", script], check=False, capture_output=True)

    def read(self, path: str) -> str:
        return self.node.read(path)

    def write(self, path: str, text: str) -> None:
        target = self.node.path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")

    def make_device(self, path: str) -> None:
        self.write(path, "")

    def remove(self, path: str) -> None:
        self.node.path(path).unlink(missing_ok=True)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(20)
        shutil.rmtree(self.root, ignore_errors=True)
