"""What a check may look at: the machine, its cards, and what the caller knows about it."""

from __future__ import annotations

import dataclasses
import functools

from rocmox.facts.served import ServedUnit, read_units
from rocmox.gpu.inventory import GpuInventory, Passthrough, read_inventory
from rocmox.machine import Machine


@dataclasses.dataclass(frozen=True, kw_only=True)
class Service:
    """A service that should answer: its name and the URL of its health page, as seen from the machine."""

    name: str
    url: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Identity:
    """As whom a device is opened: a user (None: as we are) and groups beyond those of /etc/group."""

    user: str | None
    groups: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Context:
    """`device_user` opens the devices; `passthrough` is what the node says about this container, if it was asked."""

    machine: Machine
    device_user: Identity | None = None
    passthrough: Passthrough | None = None
    services: tuple[Service, ...] = ()

    @functools.cached_property
    def inventory(self) -> GpuInventory:
        """The machine's cards, read once; CannotLookError when it shows no PCI devices."""
        return read_inventory(self.machine)

    @functools.cached_property
    def units(self) -> list[ServedUnit]:
        """The services that rocmox installed on the machine."""
        return read_units(self.machine)

    @property
    def identities(self) -> list[Identity]:
        """Who must be able to compute: the user asked for, else those of the llama-server units, else who we are."""
        if self.device_user:
            return [self.device_user]
        found = {Identity(user=unit.user, groups=unit.groups): None for unit in self.units if unit.computes}
        return list(found) or [Identity(user=None)]

    @functools.cached_property
    def is_container(self) -> bool:
        """Whether this is a guest: systemd in a container says so; a PVE node is none even when it runs in one."""
        return self.machine.exists("/run/systemd/container") and not self.machine.exists("/etc/pve")
