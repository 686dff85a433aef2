"""What labs leave visible on a machine: the list that `rocmox lab down` must bring back to what it was."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

from rocmox.machine import Machine
from rocmox_lab.firewall import marked_rules
from rocmox_lab.namespace import mount_points
from rocmox_lab.settings import LABS_DIRECTORY, RUNTIME_DIRECTORY

_ROLLING_SETTINGS = (
    *("fs.dentry-state", "fs.file-nr", "fs.inode-", "fs.quota", "fs.aio-nr"),
    *("kernel.ns_last_pid", "kernel.random.", "kernel.pty.nr", "net.netfilter."),
)
_OF_INTERFACE = re.compile(r"net\.ipv[46]\.(conf|neigh)\.(?!all\.|default\.)")
_RAW_CGROUPS = "mount -t cgroup2 none /mnt && find /mnt -maxdepth 2 -type d -name '*rocmox-*' -printf '%P\\n'"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Inventory:
    """Sorted texts, one per thing; two equal inventories mean that nothing came or went."""

    links: tuple[str, ...]
    addresses: tuple[str, ...]
    firewall: tuple[str, ...]
    mounts: tuple[str, ...]
    loop_devices: tuple[str, ...]
    control_groups: tuple[str, ...]
    processes: tuple[str, ...]
    files: tuple[str, ...]
    kernel_settings: tuple[str, ...]


def inventory_of_machine(machine: Machine) -> Inventory:
    """Everything a lab could leave behind. Foreign things are listed as well, so that disturbing them shows."""
    links = json.loads(machine.run(["ip", "-json", "address"]).check().stdout)
    return Inventory(
        links=tuple(sorted(link["ifname"] for link in links)),
        addresses=tuple(
            sorted(f"{link['ifname']} {entry['local']}" for link in links for entry in link.get("addr_info", []))
        ),
        firewall=tuple(sorted(_firewall(machine))),
        mounts=tuple(sorted(mount_points(machine))),
        loop_devices=tuple(sorted(machine.run(["losetup", "--noheadings", "-O", "NAME,BACK-INO"]).stdout.splitlines())),
        control_groups=tuple(sorted(_control_groups(machine))),
        processes=tuple(sorted(_processes(machine))),
        files=tuple(sorted(_files())),
        kernel_settings=tuple(sorted(_kernel_settings(machine))),
    )


def difference(before: Inventory, after: Inventory) -> dict[str, list[str]]:
    """Field → lines `+ came` and `- went`; empty when the machine is as it was."""
    found: dict[str, list[str]] = {}
    for field in dataclasses.fields(Inventory):
        old, new = set(getattr(before, field.name)), set(getattr(after, field.name))
        lines = [f"+ {item}" for item in sorted(new - old)] + [f"- {item}" for item in sorted(old - new)]
        if lines:
            found[field.name] = lines
    return found


def _firewall(machine: Machine) -> list[str]:
    tables = [line.strip() for line in machine.run(["nft", "list", "tables"]).stdout.splitlines()]
    return tables + marked_rules(machine, "rocmox-|rmx")


def _control_groups(machine: Machine) -> list[str]:
    done = machine.run(["unshare", "--mount", "--propagation", "private", "sh", "-c", _RAW_CGROUPS])
    return done.stdout.splitlines()


def _processes(machine: Machine) -> list[str]:
    """Command lines that name a lab's container or files, and LXC monitors; not Ansible's idle connections.

    Processes of a node live in its pid namespace and cannot outlive it (pid_namespaces(7)); they are not listed.
    """
    rows = machine.run(["ps", "-e", "-ww", "-o", "pidns=,args="]).check().stdout.splitlines()
    own = machine.run(["stat", "--dereference", "--format=%i", "/proc/self/ns/pid"]).check().stdout.strip()
    listed = [args for namespace, _, args in (row.strip().partition(" ") for row in rows) if namespace == own]
    marks = (str(LABS_DIRECTORY), str(RUNTIME_DIRECTORY), "[lxc monitor]")
    return [line.strip() for line in listed if any(mark in line for mark in marks) and "[mux]" not in line]


def _files() -> list[str]:
    found = []
    for directory in (LABS_DIRECTORY, RUNTIME_DIRECTORY, Path("/run/netns"), Path("/run/lxc"), Path("/var/lib/lxc")):
        for parent in (directory.parent, directory):
            if parent.is_dir() and (parent.name == "rocmox" or parent == directory):
                found += [str(parent), *(str(path) for path in parent.iterdir())]
    return sorted(set(found))


def _kernel_settings(machine: Machine) -> list[str]:
    """What `sysctl --all` prints, without values that roll by themselves or come and go with an interface."""
    lines = machine.run(["sysctl", "--all"]).stdout.splitlines()
    return [line for line in lines if not line.startswith(_ROLLING_SETTINGS) and not _OF_INTERFACE.match(line)]
