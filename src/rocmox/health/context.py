"""What a check may look at: the machine, its cards, and what the caller knows about it."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

from rocmox.errors import CannotLookError
from rocmox.facts.served import Served, Undescribed, read_served, read_undescribed
from rocmox.gpu.inventory import GpuInventory, Passthrough, read_inventory
from rocmox.machine import Machine

_Fact = TypeVar("_Fact")
_Where = ParamSpec("_Where")
LOOK, SHORT, LONG = 1, 2, 3  # levels: 1 only looks, 2 uses the cards for seconds, 3 for minutes


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
    """`device_user` opens the devices; `passthrough` is what the node says about this container, if it was asked.

    `level` is how far a check may go; `forced` allows the cards' use while other processes hold them.
    """

    machine: Machine
    device_user: Identity | None = None
    passthrough: Passthrough | None = None
    services: tuple[Service, ...] = ()
    level: int = LOOK
    forced: bool = False
    _read: dict[tuple[Any, ...], Any] = dataclasses.field(default_factory=dict, compare=False, repr=False)

    def read(
        self, reader: Callable[Concatenate[Machine, _Where], _Fact], *where: _Where.args, **more: _Where.kwargs
    ) -> _Fact:
        """A fact of the machine, read once for all checks: `context.read(read_hwmon, address)`; errors are kept too."""
        key = (reader, where, tuple(more.items()))
        if key not in self._read:
            try:
                self._read[key] = reader(self.machine, *where, **more)
            except CannotLookError as error:
                self._read[key] = error
        kept = self._read[key]
        if isinstance(kept, CannotLookError):
            raise kept
        return cast("_Fact", kept)

    @property
    def inventory(self) -> GpuInventory:
        """The machine's cards, read once; CannotLookError when it shows no PCI devices."""
        return self.read(read_inventory)

    @property
    def served(self) -> list[Served]:
        """What the machine serves, as its descriptors say."""
        return self.read(read_served)

    @property
    def undescribed(self) -> list[Undescribed]:
        """Units of an earlier rocmox of which no descriptor says what they serve."""
        return self.read(_read_undescribed)

    @property
    def identities(self) -> list[Identity]:
        """Who must be able to compute: the user asked for, else those of the servers that compute, else who we are."""
        if self.device_user:
            return [self.device_user]
        found = {Identity(user=unit.user, groups=unit.groups): None for unit in self.served if unit.computes}
        return list(found) or [Identity(user=None)]

    @functools.cached_property
    def is_container(self) -> bool:
        """Whether this is a guest: systemd in a container says so; a PVE node is none even when it runs in one."""
        return self.machine.exists("/run/systemd/container") and not self.machine.exists("/etc/pve")


def _read_undescribed(machine: Machine) -> list[Undescribed]:
    return read_undescribed(machine, read_served(machine))
