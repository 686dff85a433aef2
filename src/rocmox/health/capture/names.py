"""Names that belong to a machine and its people: its hosts' and its users'. They are looked up and never written."""

from __future__ import annotations

import re

from rocmox.errors import MachineError
from rocmox.machine.base import Machine

# Names that are words of the kernel, of Linux or of rocmox: to mask them would change what the capture says.
_ORDINARY = frozenset(
    {
        *(
            "root",
            "user",
            "users",
            "admin",
            "nobody",
            "daemon",
            "video",
            "render",
            "local",
            "localhost",
            "host",
            "none",
        ),
        *(
            "kernel",
            "linux",
            "debian",
            "ubuntu",
            "proxmox",
            "amd",
            "amdgpu",
            "gpu",
            "kfd",
            "drm",
            "pci",
            "system",
            "systemd",
        ),
        *("node", "nodes", "server", "client", "guest", "container", "service", "test", "default", "unknown", "rocmox"),
    }
)
_FIRST_PERSON = 1000
_LAST_PERSON = 60000
_WORD = re.compile(r"[A-Za-z0-9][\w.-]{2,62}")
_HOST_FILES = ("/proc/sys/kernel/hostname", "/etc/hostname", "/etc/mailname")


def host_names(machine: Machine) -> set[str]:
    """The machine's own name, those in /etc/hosts, the cluster's nodes and its containers."""
    found = {word for path in _HOST_FILES for word in _text(machine, path).split()}
    found |= {word for line in _text(machine, "/etc/hosts").splitlines() for word in line.partition("#")[0].split()[1:]}
    for domain in re.findall(r"(?m)^(?:search|domain)\s+(.+)$", _text(machine, "/etc/resolv.conf")):
        found |= set(domain.split())
    found |= set(_names(machine, "/etc/pve/nodes"))
    for folder in ("/etc/pve/lxc", "/etc/pve/qemu-server"):
        for name in _names(machine, folder):
            found |= set(re.findall(r"(?m)^(?:hostname|name):\s*(\S+)", _text(machine, f"{folder}/{name}")))
    # A full name's first label stands alone in logs.
    found |= {name.partition(".")[0] for name in found if not name[:1].isdigit()}
    return _kept(found)


def user_names(machine: Machine) -> set[str]:
    """People with an account on the machine, and who runs this."""
    found = set()
    for line in _text(machine, "/etc/passwd").splitlines():
        fields = line.split(":")
        is_person = len(fields) > 6 and fields[2].isdecimal() and _FIRST_PERSON <= int(fields[2]) < _LAST_PERSON  # noqa: PLR2004 - passwd(5)
        if is_person:
            found |= {fields[0], *fields[4].partition(",")[0].split()}
    return _kept(found)


def _kept(names: set[str]) -> set[str]:
    return {name for name in names if _WORD.fullmatch(name) and name.lower() not in _ORDINARY and not name.isdecimal()}


def _text(machine: Machine, path: str) -> str:
    try:
        return machine.read_bytes(path).decode(errors="replace")
    except (OSError, MachineError):
        return ""


def _names(machine: Machine, path: str) -> list[str]:
    try:
        return machine.list_directory(path)
    except (OSError, MachineError):
        return []
