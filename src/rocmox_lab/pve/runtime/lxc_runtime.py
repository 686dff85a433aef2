"""The runtime itself: every method of the protocol in one line or two, the work is next door."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rocmox_lab.pve.runtime import (
    addresses,
    hotplug,
    inside,
    lifecycle,
    limits,
    liveness,
    node_mounts,
    unpacking,
    usage,
    volumes,
)
from rocmox_lab.pve.runtime.layout import Layout
from rocmox_lab.pve.runtime_protocol import (
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


class LxcRuntime:
    """Guests as nested LXC containers; nothing is remembered between calls."""

    def __init__(self, *, root: str = "/", pve_version: str = "8.4", gpu_root: str | None = None) -> None:
        self._layout = Layout(root=Path(root))
        self.pve_version = pve_version
        self.gpu_root = gpu_root

    def create_volume(self, *, path: str, size_bytes: int, unprivileged: bool, log: Log) -> None:
        volumes.create(path=path, size_bytes=size_bytes, unprivileged=unprivileged, log=log)

    def resize_volume(self, *, path: str, size_bytes: int, vmid: int) -> None:  # noqa: ARG002 - the loop device tells
        volumes.resize(path=path, size_bytes=size_bytes)

    def free_volume(self, *, path: str) -> None:
        volumes.free(path=path)

    def unpack(self, guest: GuestSpec, create: CreateSpec, log: Log) -> Detected:
        return unpacking.unpack(guest, create, self._layout, log)

    def start(self, guest: GuestSpec, log: Log) -> None:
        lifecycle.start(lifecycle.with_defaults(guest), self._layout, log)

    def stop(self, vmid: int) -> None:
        lifecycle.stop(vmid, self._layout)

    def shutdown(self, vmid: int, *, timeout_seconds: float) -> bool:
        return lifecycle.shutdown(vmid, self._layout, timeout_seconds=timeout_seconds)

    def destroy(self, vmid: int) -> None:
        lifecycle.destroy(vmid, self._layout)

    def status(self, vmid: int) -> RuntimeStatus:
        return usage.status(vmid, self._layout)

    def running(self) -> set[int]:
        return liveness.running_vmids(self._layout)

    def interfaces(self, vmid: int) -> list[Interface]:
        pid = liveness.init_pid(vmid) if vmid in self.running() else None
        return [] if pid is None else addresses.read(pid)

    def set_limits(self, guest: GuestSpec) -> None:
        limits.apply(guest, self._layout)

    def plug_network(self, guest: GuestSpec, network: NetworkSpec) -> None:
        hotplug.plug_network(guest, network, self._pid(guest.vmid))

    def unplug_network(self, vmid: int, host_interface: str) -> None:  # noqa: ARG002 - its name is enough
        hotplug.unplug_network(host_interface)

    def plug_device(self, guest: GuestSpec, device: DeviceSpec) -> None:
        hotplug.plug_device(guest, device, self._layout, self._pid(guest.vmid))

    def plug_mount(self, guest: GuestSpec, mount: MountSpec) -> None:
        hotplug.plug_mount(guest, mount, self._pid(guest.vmid))

    def execute(self, vmid: int, argv: Sequence[str], *, keep_environment: bool = True) -> int:
        self._pid(vmid)
        return inside.execute(vmid, argv, keep_environment=keep_environment)

    def push(self, guest: GuestSpec, source: str, destination: str, *, uid: int, gid: int, mode: int) -> None:
        order: dict[str, str | int] = {
            "action": "push",
            "source": source,
            "destination": destination,
            "uid": uid,
            "gid": gid,
            "mode": mode,
        }
        inside.transfer(guest.vmid, order)

    def pull(self, guest: GuestSpec, source: str, destination: str) -> None:
        inside.transfer(guest.vmid, {"action": "pull", "source": source, "destination": destination})

    def mount(self, guest: GuestSpec) -> str:
        return node_mounts.mount(guest, self._layout)

    def unmount(self, vmid: int) -> None:
        node_mounts.unmount(vmid, self._layout)

    def _pid(self, vmid: int) -> int:
        pid = liveness.init_pid(vmid) if vmid in self.running() else None
        if pid is None:
            raise RuntimeFailedError(f"container '{vmid}' not running!")
        return pid
