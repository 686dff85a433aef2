"""The set-up that the recordings assume (`data/pve/README.md`), as a tree below a folder with the fake runtime."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from rocmox.lab.pve.access import store
from rocmox.lab.pve.node import Node, Settings
from rocmox.lab.pve.storage.index import entries

NODE = "pve"
TEMPLATE = "debian-12-standard_12.7-1_amd64.tar.zst"
TOKEN_SECRET = "11111111-2222-3333-4444-555555555555"
PASSWORDS = {
    "root@pam": "pve-test-1",
    "admin@pve": "admin-test-1",
    "vmadm@pve": "vmadm-test-1",
    "nobody@pve": "nobody-test-1",
}
TOKENS = {"root@pam": {"full": 0, "sep": 1, "sepadm": 1}, "admin@pve": {"tok": 0}, "vmadm@pve": {"tok": 0}}
ACL = [
    ("/", "user", "admin@pve", "Administrator"),
    ("/", "token", "root@pam!sepadm", "Administrator"),
    ("/vms", "user", "vmadm@pve", "PVEVMAdmin"),
    ("/storage/local", "user", "vmadm@pve", "PVEDatastoreUser"),
    ("/sdn", "user", "vmadm@pve", "PVESDNUser"),
]
INTERFACES = """auto lo
iface lo inet loopback

auto vmbr0
iface vmbr0 inet static
\taddress 10.99.0.1/24
\tbridge-ports none
\tbridge-stp off
\tbridge-fd 0
"""


@dataclasses.dataclass(frozen=True, kw_only=True)
class World:
    """One fresh node and where it lies."""

    node: Node
    root: Path


def make(root: Path, *, pve: str) -> World:
    """A fresh set-up below `root`."""
    node = Node(root, settings=Settings(node=NODE, pve_version=pve, runtime="fake"))
    with store.changing(node) as data:
        for user, password in PASSWORDS.items():
            tokens = TOKENS.get(user, {})
            data["users"][user] = {
                "password": store.hash_password(password),
                "tokens": {
                    name: {"privsep": separated, "secret": store.hash_secret(TOKEN_SECRET)}
                    for name, separated in tokens.items()
                },
            }
        data["acl"] = [
            {"path": path, "type": kind, "ugid": who, "roleid": role, "propagate": 1} for path, kind, who, role in ACL
        ]
    _place(node.path(f"/var/lib/vz/template/cache/{TEMPLATE}"), "a template by name only\n")
    for device in ("kfd", "dri/card0", "dri/renderD128", "null"):
        _place(node.path(f"/dev/{device}"), "")
    node.path("/dev/shm").mkdir()  # noqa: S108 - a directory in the place of a device
    for interface in ("eth0", "lo", "vmbr0"):
        node.path(f"/sys/class/net/{interface}").mkdir(parents=True)
    _place(node.path("/etc/network/interfaces"), INTERFACES)
    _place(node.path("/etc/resolv.conf"), "nameserver 192.0.2.53\n")
    _place(node.path("/etc/hosts"), "127.0.0.1 localhost\n")
    assert entries(node)
    return World(node=node, root=root)


def _place(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
