"""Bridges and the node's ends of guests' veth pairs (`lxcnetaddbr`, `PVE::Network`)."""

from __future__ import annotations

from pathlib import Path

from rocmox.machine import LocalMachine
from rocmox_lab.pve.runtime_protocol import NetworkSpec, RuntimeFailedError

_NET = Path("/sys/class/net")


def require(bridge: str | None, sysfs: Path = _NET) -> None:
    """RuntimeFailedError in PVE's words unless the bridge exists."""
    if bridge and not (sysfs / bridge / "bridge").is_dir():
        raise RuntimeFailedError(f"bridge '{bridge}' does not exist")


def mtu_bytes(bridge: str, sysfs: Path = _NET) -> int:
    """The bridge's MTU."""
    return int((sysfs / bridge / "mtu").read_text())


def connect(network: NetworkSpec) -> None:
    """Put the host's end onto the bridge and switch it on (off with `link_down`)."""
    machine = LocalMachine()
    link = ["ip", "link", "set", "dev", network.host_interface]
    if network.bridge:
        require(network.bridge)
        machine.run([*link, "mtu", str(mtu_bytes(network.bridge)), "master", network.bridge]).check()
    machine.run([*link, "down" if network.link_down else "up"]).check()


def remove(host_interface: str) -> None:
    """Delete an interface that the kernel did not delete with the guest; none is fine."""
    if (_NET / host_interface).exists():
        LocalMachine().run(["ip", "link", "delete", host_interface])
