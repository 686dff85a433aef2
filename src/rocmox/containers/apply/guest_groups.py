"""Makes sure that a running guest has the groups that own GPU nodes."""

from __future__ import annotations

from rocmox.containers.current.cards import RENDER, VIDEO
from rocmox.containers.current.devices import GroupIds
from rocmox.containers.current.node_facts import read_group_ids
from rocmox.machine import Machine
from rocmox.machine.container import ContainerMachine


def ensure_group_ids(node: Machine, vmid: int) -> GroupIds | None:
    """The ids in a running guest; a missing group is made, as udev's package does. None: not readable."""
    guest = ContainerMachine(node, vmid)
    for group in (RENDER, VIDEO):
        guest.run(["groupadd", "--system", "--force", group])
    return read_group_ids(node, vmid)
