"""systemd-networkd files for guests without ifupdown (`PVE::LXC::Setup::Base::setup_systemd_networkd`). Pure."""

from __future__ import annotations

from rocmox_lab.pve.runtime_protocol import NetworkSpec

_DHCP = {(False, False): "no", (True, False): "ipv4", (False, True): "ipv6", (True, True): "yes"}


def path(network: NetworkSpec) -> str:
    """Where the file of this interface stands."""
    return f"/etc/systemd/network/{network.name}.network"


def render(network: NetworkSpec) -> str:
    """The `.network` file of one interface."""
    lines = ["[Match]", f"Name = {network.name}", "", "[Network]", "Description = Interface autoconfigured by PVE"]
    for address, gateway in ((network.ip, network.gateway), (network.ip6, network.gateway6)):
        if address and "/" in address:
            lines.append(f"Address = {address}")
        if gateway:
            lines.append(f"Gateway = {gateway}")
    lines.append(f"DHCP = {_DHCP[network.ip == 'dhcp', network.ip6 == 'dhcp']}")
    lines.append(f"IPv6AcceptRA = {'true' if network.ip6 == 'auto' else 'false'}")
    return "\n".join(lines) + "\n"
