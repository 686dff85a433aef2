"""A runtime without containers: for unit tests and for trying clients on a machine without root.

It keeps every state on disk below the root, so that several processes see the same guests.
"""

# ruff: noqa: ARG002 - the protocol's arguments, most of which nothing is done with
from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rocmox_lab.pve.runtime_protocol import (
    Address,
    CreateSpec,
    Detected,
    DeviceSpec,
    GuestSpec,
    Interface,
    Log,
    MountSpec,
    NetworkSpec,
    RuntimeFailedError,
    RuntimeStatus,
)
from rocmox_lab.pve.sizes import from_gibibytes

BRIDGES = ("vmbr0",)
LARGEST_TEMPLATE_BYTES = from_gibibytes("0.4")


class FakeRuntime:
    """Guests are small JSON files under /var/lib/lxc/VMID."""

    def __init__(self, root: Path) -> None:
        self._root = Path(root)

    def create_volume(self, *, path: str, size_bytes: int, unprivileged: bool, log: Log) -> None:
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        if size_bytes == 0:
            target.mkdir()
            return
        with target.open("wb") as stream:
            stream.truncate(size_bytes)
        log(f"Creating filesystem with {size_bytes // 4096} 4k blocks and {size_bytes // 16384} inodes")
        log("Filesystem UUID: 00000000-0000-0000-0000-000000000000")
        log("Superblock backups stored on blocks: ")
        log("\t32768, 98304")

    def resize_volume(self, *, path: str, size_bytes: int, vmid: int) -> None:
        os.truncate(path, size_bytes)

    def free_volume(self, *, path: str) -> None:
        target = Path(path)
        if target.is_dir():
            shutil.rmtree(target)
        else:
            target.unlink(missing_ok=True)

    def unpack(self, guest: GuestSpec, create: CreateSpec, log: Log) -> Detected:
        log(f"extracting archive '{self._shown(create.archive)}'")
        if guest.rootfs.kind == "image" and (guest.rootfs.size_bytes or 0) < LARGEST_TEMPLATE_BYTES:
            log("tar: ./usr/bin/true: Cannot write: No space left on device")
            message = f"command 'tar xpf - -C /var/lib/lxc/{guest.vmid}/rootfs' failed: exit code 2"
            raise RuntimeFailedError(message)
        log("Total bytes read: 423270400 (404MiB, 463MiB/s)")
        log(f"Detected container architecture: {guest.arch or 'amd64'}")
        return Detected(ostype="debian", arch="amd64")

    def start(self, guest: GuestSpec, log: Log) -> None:
        for device in guest.devices:
            if not (self._root / device.path.lstrip("/")).exists():
                message = f"Device {device.path} does not exist"
                raise RuntimeFailedError(message)
        for network in guest.networks:
            self._check_bridge(network)
        addresses = [(network.name, network.hwaddr, network.ip) for network in guest.networks]
        self._write(guest.vmid, {"started": time.time(), "pid": os.getpid(), "networks": addresses})

    def stop(self, vmid: int) -> None:
        self._state_path(vmid).unlink(missing_ok=True)

    def shutdown(self, vmid: int, *, timeout_seconds: float) -> bool:
        self.stop(vmid)
        return True

    def destroy(self, vmid: int) -> None:
        shutil.rmtree(self._state_path(vmid).parent, ignore_errors=True)

    def status(self, vmid: int) -> RuntimeStatus:
        state = self._read(vmid)
        if state is None:
            return RuntimeStatus(running=False)
        return RuntimeStatus(
            running=True,
            pid=state["pid"],
            uptime_seconds=int(time.time() - state["started"]),
            memory_bytes=12 << 20,
            disk_used_bytes=446054400,
            network_in_bytes=340,
            network_out_bytes=516,
        )

    def running(self) -> set[int]:
        folder = self._root / "var/lib/lxc"
        return {int(entry.parent.name) for entry in folder.glob("*/rocmox-fake.json")} if folder.is_dir() else set()

    def interfaces(self, vmid: int) -> list[Interface]:
        state = self._read(vmid)
        if state is None:
            return []
        lo = [Address(family="inet", address="127.0.0.1", prefix_length=8)]
        lo.append(Address(family="inet6", address="::1", prefix_length=128))
        found = [Interface(name="lo", hwaddr="00:00:00:00:00:00", addresses=lo)]
        for name, hwaddr, ip in state["networks"]:
            addresses = [Address(family="inet6", address="fe80::1", prefix_length=64)]
            if ip and "/" in ip:
                address, length = ip.split("/")
                addresses.insert(0, Address(family="inet", address=address, prefix_length=int(length)))
            found.append(Interface(name=name, hwaddr=hwaddr.lower(), addresses=addresses))
        return found

    def set_limits(self, guest: GuestSpec) -> None:
        """Nothing to limit."""

    def plug_network(self, guest: GuestSpec, network: NetworkSpec) -> None:
        self._check_bridge(network)

    def unplug_network(self, vmid: int, host_interface: str) -> None:
        """Nothing to remove."""

    def plug_device(self, guest: GuestSpec, device: DeviceSpec) -> None:
        if not (self._root / device.path.lstrip("/")).exists():
            message = f"Device {device.path} does not exist"
            raise RuntimeFailedError(message)

    def plug_mount(self, guest: GuestSpec, mount: MountSpec) -> None:
        """Refused, as by a kernel without AppArmor."""
        message = "failed to change apparmor profile: Invalid argument"
        raise RuntimeFailedError(message)

    def execute(self, vmid: int, argv: Sequence[str], *, keep_environment: bool = True) -> int:
        environment = None if keep_environment else {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "TERM": "linux"}
        try:
            status = subprocess.run(
                [self._mapped(vmid, word) for word in argv], env=environment, check=False
            ).returncode
        except FileNotFoundError:
            sys.stderr.write(f'lxc-attach: {vmid}: No such file or directory - Failed to exec "{argv[0]}"\n')
            return 127
        return status if status >= 0 else 128 - status

    def push(self, guest: GuestSpec, source: str, destination: str, *, uid: int, gid: int, mode: int) -> None:
        target = self._inside(guest.vmid, destination)
        if not target.parent.is_dir() and target.parent.name != "root":
            message = f"failed to create file: {destination}: No such file or directory"
            raise RuntimeFailedError(message)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        target.chmod(mode)

    def pull(self, guest: GuestSpec, source: str, destination: str) -> None:
        found = self._inside(guest.vmid, source)
        if source == "/etc/hostname":
            Path(destination).write_text(guest.hostname + "\n", encoding="utf-8")
            return
        if source in {"/etc/passwd", "/etc/group"}:
            shutil.copyfile(source, destination)
            return
        if not found.is_file():
            message = f"failed to open {source}: No such file or directory"
            raise RuntimeFailedError(message)
        shutil.copyfile(found, destination)

    def mount(self, guest: GuestSpec) -> str:
        return f"/var/lib/lxc/{guest.vmid}/rootfs"

    def unmount(self, vmid: int) -> None:
        """Nothing is mounted."""

    def _check_bridge(self, network: NetworkSpec) -> None:
        if network.bridge and network.bridge not in BRIDGES:
            message = f"bridge '{network.bridge}' does not exist"
            raise RuntimeFailedError(message)

    def _state_path(self, vmid: int) -> Path:
        return self._root / f"var/lib/lxc/{vmid}/rocmox-fake.json"

    def _mapped(self, vmid: int, word: str) -> str:
        """A path of the pretended guest, or of the node's pretended devices."""
        inside, device = self._inside(vmid, word), self._root / word.lstrip("/")
        if word.startswith("/") and inside.exists():
            return str(inside)
        return str(device) if word.startswith("/dev/") and device.exists() else word

    def _inside(self, vmid: int, path: str) -> Path:
        return self._root / f"var/lib/lxc/{vmid}/fake-rootfs" / path.lstrip("/")

    def _read(self, vmid: int) -> dict[str, Any] | None:
        try:
            state: dict[str, Any] = json.loads(self._state_path(vmid).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        return state

    def _write(self, vmid: int, state: dict[str, Any]) -> None:
        path = self._state_path(vmid)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(state), encoding="utf-8")

    def _shown(self, path: str) -> str:
        prefix = str(self._root).rstrip("/")
        return path[len(prefix) :] if prefix and path.startswith(prefix) else path
