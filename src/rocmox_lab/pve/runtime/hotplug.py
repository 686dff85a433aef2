"""Changes of running guests: interfaces, devices, mount points (`PVE::LXC::update_net`, `mountpoint_hotplug`)."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import rocmox
from rocmox.errors import CommandError
from rocmox.machine import LocalMachine
from rocmox_lab.pve.runtime import bridging, devices, guest_file
from rocmox_lab.pve.runtime.id_map import id_map_of
from rocmox_lab.pve.runtime.layout import Layout
from rocmox_lab.pve.runtime.setup import guest_root, tasks
from rocmox_lab.pve.runtime_protocol import DeviceSpec, GuestSpec, MountSpec, NetworkSpec, RuntimeFailedError


def plug_network(guest: GuestSpec, network: NetworkSpec, pid: int) -> None:
    """A veth pair for a new interface, or the addresses of one that is there already, and the guest's files."""
    others = (each for each in guest.networks if each.key != network.key)
    guest = dataclasses.replace(guest, networks=(*others, network))
    bridging.require(network.bridge)
    machine = LocalMachine()
    try:
        if not Path("/sys/class/net", network.host_interface).exists():
            peer = ["peer", "name", network.name, "address", network.hwaddr, "netns", str(pid)]
            machine.run(["ip", "link", "add", network.host_interface, "type", "veth", *peer]).check()
        bridging.connect(network)
        _address(machine, network, pid)
    except CommandError as error:
        raise RuntimeFailedError(f"unable to hotplug {network.key}: {error.stderr.strip() or error.message}") from error
    _run_inside(guest, pid)


def unplug_network(host_interface: str) -> None:
    """Remove both ends of an interface."""
    bridging.remove(host_interface)


def plug_device(guest: GuestSpec, device: DeviceSpec, layout: Layout, pid: int) -> None:
    """Allow the device, make its node among the guest's others, bind it into the guest's /dev."""
    guest = dataclasses.replace(guest, devices=(device,))
    found = devices.look_up(device.path, layout.root)
    rule = devices.rule(device, found)
    try:
        LocalMachine().run(["lxc-cgroup", "-n", str(guest.vmid), "devices.allow", rule]).check()
    except CommandError as error:
        raise RuntimeFailedError(f"unable to hotplug {device.key}: {error.stderr.strip() or error.message}") from error
    _in_namespaces({"action": "device", "guest": guest_file.to_json(guest), "key": device.key, "pid": pid})


def plug_mount(guest: GuestSpec, mount: MountSpec, pid: int) -> None:
    """Mount one more volume in a running guest."""
    guest = dataclasses.replace(guest, mounts=(mount,))
    if not Path(mount.source).exists():
        raise RuntimeFailedError(f"volume '{mount.source}' does not exist")
    _in_namespaces({"action": "mount", "guest": guest_file.to_json(guest), "key": mount.key, "pid": pid})


def _address(machine: LocalMachine, network: NetworkSpec, pid: int) -> None:
    ip = ["nsenter", "-t", str(pid), "--net", "--", "ip"]
    machine.run([*ip, "link", "set", "dev", network.name, "up"]).check()
    machine.run([*ip, "address", "flush", "dev", network.name, "scope", "global"])
    for address, gateway in ((network.ip, network.gateway), (network.ip6, network.gateway6)):
        if address and "/" in address:
            machine.run([*ip, "address", "add", address, "dev", network.name]).check()
        if gateway:
            machine.run([*ip, "route", "replace", "default", "via", gateway, "dev", network.name, "onlink"]).check()


def _run_inside(guest: GuestSpec, pid: int) -> None:
    guest_root.run_inside(f"/proc/{pid}/root", id_map_of(guest), lambda: tasks.write_network(guest))


def _in_namespaces(order: dict[str, str | int]) -> None:
    """Entering namespaces takes a process with one thread: a child of its own."""
    done = subprocess.run(
        [sys.executable, "-S", "-s", "-m", "rocmox_lab.pve.runtime.hotplug_child"],
        input=json.dumps(order).encode(),
        capture_output=True,
        check=False,
        env={"PATH": "/usr/sbin:/usr/bin", "PYTHONPATH": str(Path(rocmox.__file__).parents[1])},
    )
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        raise RuntimeFailedError(f"unable to hotplug {order['key']}: {lines[-1] if lines else 'no reason given'}")
