"""Host name, /etc/hosts and resolver of a guest (`PVE::LXC::Setup::Base`: set_hostname, update_etc_hosts, set_dns)."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from pathlib import Path

from rocmox_lab.pve.runtime.setup import guest_root
from rocmox_lab.pve.runtime_protocol import GuestSpec

_LOCALHOST = "127.0.0.1 localhost.localnet localhost\n::1 localhost.localnet localhost\n"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Resolver:
    """Search domains and name servers."""

    search: Sequence[str] = ()
    servers: Sequence[str] = ()


def parse_resolv_conf(text: str) -> Resolver:
    """The node's /etc/resolv.conf: the last `search` line and up to three name servers."""
    search: list[str] = []
    servers: list[str] = []
    for line in text.splitlines():
        words = line.split()
        if len(words) > 1 and words[0] in {"search", "domain"}:
            search = words[1:]
        elif len(words) > 1 and words[0] == "nameserver":
            servers.append(words[1])
    return Resolver(search=search, servers=servers[:3])


def read_node_resolver() -> Resolver:
    """What guests without a name server of their own inherit."""
    path = Path("/etc/resolv.conf")
    return parse_resolv_conf(path.read_text()) if path.exists() else Resolver()


def resolver_of(guest: GuestSpec, node: Resolver) -> Resolver:
    """The guest's own settings, each missing one taken from the node."""
    return Resolver(
        search=_split(guest.searchdomain) or node.search,
        servers=_split(guest.nameserver) or node.servers,
    )


def resolv_conf_text(resolver: Resolver) -> str:
    """Lines of /etc/resolv.conf."""
    search = f"search {' '.join(resolver.search)}\n" if resolver.search else ""
    return search + "".join(f"nameserver {server}\n" for server in resolver.servers)


def hosts_section(guest: GuestSpec, resolver: Resolver) -> str:
    """Lines of /etc/hosts between PVE's marks: localhost, then this guest by its first static address."""
    name = guest.hostname.split(".")[0]
    if "." in guest.hostname:
        names = [guest.hostname, name]
    else:
        names = [*(f"{name}.{domain}" for domain in resolver.search), name]
    return f"{_LOCALHOST}{_first_address(guest)} {' '.join(names)}\n"


def apply(guest: GuestSpec, resolver: Resolver) -> None:
    """Write /etc/hostname, /etc/hosts and /etc/resolv.conf of the root file system this process is in."""
    guest_root.write("/etc/hostname", guest.hostname.split(".")[0] + "\n")
    hosts = _without_localhost(guest_root.read("/etc/hosts"))
    guest_root.write("/etc/hosts", guest_root.with_section(hosts, hosts_section(guest, resolver)))
    resolv_conf = guest_root.with_section(guest_root.read("/etc/resolv.conf"), resolv_conf_text(resolver), replace=True)
    guest_root.write("/etc/resolv.conf", resolv_conf)


def _first_address(guest: GuestSpec) -> str:
    for family in ("ip", "ip6"):
        for network in guest.networks:
            value: str | None = getattr(network, family)
            if value and "/" in value:
                return value.split("/")[0]
    return "127.0.1.1"


def _without_localhost(text: str) -> str:
    """Drop the template's own plain localhost lines and host entry: the marked section carries them."""
    plain = re.compile(r"^(127\.0\.0\.1\s+localhost|127\.0\.1\.1\s+\S+|::1\s+localhost)\s*$", re.MULTILINE)
    return re.sub(r"\n{2,}", "\n", plain.sub("", text)).lstrip("\n")


def _split(text: str | None) -> Sequence[str]:
    return tuple(part for part in re.split(r"[\s,;]+", text or "") if part)
