"""/etc/network/interfaces of Debian guests (`PVE::LXC::Setup::Debian::setup_network`). Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence

from rocmox_lab.pve.runtime.setup.guest_root import with_section
from rocmox_lab.pve.runtime_protocol import NetworkSpec

_KEYWORDS = ("auto", "iface", "mapping", "source", "source-directory")
_LOOPBACK = "auto lo\niface lo inet loopback\n"


def render(old: str, networks: Sequence[NetworkSpec]) -> str:
    """The file with a stanza for each network; stanzas of other interfaces and comments stay as they are."""
    names = {network.name for network in networks}
    kept = [stanza for stanza in _stanzas(old) if not _belongs_to(stanza, names)]
    if not any(stanza.split()[:2] == ["iface", "lo"] for stanza in kept):
        kept.insert(0, _LOOPBACK)
    text = "".join(kept).rstrip("\n") + "\n"
    return text + "".join(f"\n{_auto(network)}{_families(network)}" for network in networks)


def _auto(network: NetworkSpec) -> str:
    return f"auto {network.name}\n"


def _families(network: NetworkSpec) -> str:
    parts = [
        _stanza(network.name, "inet", network.ip, network.gateway),
        _stanza(network.name, "inet6", network.ip6, network.gateway6),
    ]
    return "\n".join(part for part in parts if part)


def _stanza(name: str, family: str, address: str | None, gateway: str | None) -> str:
    if not address:
        return ""
    if address in {"dhcp", "manual", "auto"}:
        return f"iface {name} {family} {address}\n"
    lines = f"iface {name} {family} static\n\taddress {address}\n"
    if not gateway:
        return lines
    if _reachable(gateway, address):
        return f"{lines}\tgateway {gateway}\n"
    hooks = (
        f"\tpost-up ip route add {gateway} dev {name}\n\tpost-up ip route add default via {gateway} dev {name}\n"
        f"\tpre-down ip route del default via {gateway} dev {name}\n\tpre-down ip route del {gateway} dev {name}\n"
    )
    return lines + with_section("", hooks)


def _reachable(gateway: str, address: str) -> bool:
    address_of_gateway = ipaddress.ip_address(gateway)
    return address_of_gateway.is_link_local or address_of_gateway in ipaddress.ip_interface(address).network


def _stanzas(text: str) -> Iterator[str]:
    """Split before every keyword line; blank lines and comments go with what precedes them."""
    current = ""
    for line in text.splitlines(keepends=True):
        word = line.split(maxsplit=1)[0] if line.split() else ""
        if (word in _KEYWORDS or word.startswith("allow-")) and current:
            yield current
            current = ""
        current += line
    if current:
        yield current if current.endswith("\n") else current + "\n"


def _belongs_to(stanza: str, names: set[str]) -> bool:
    words = stanza.split()
    if not words or (words[0] not in {"auto", "iface"} and not words[0].startswith("allow-")):
        return False
    return len(words) > 1 and words[1] in names
