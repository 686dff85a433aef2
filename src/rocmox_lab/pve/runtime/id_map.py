"""User and group ids: the guest's against the node's (`PVE::LXC::parse_id_maps`)."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from rocmox_lab.pve.runtime_protocol import GuestSpec, RuntimeFailedError

_DEFAULT_FIRST, _DEFAULT_COUNT = 100000, 65536


@dataclasses.dataclass(frozen=True, kw_only=True)
class IdRange:
    """`count` ids from `guest_first` in the guest are the node's from `node_first`."""

    kind: str
    """`u` or `g`."""
    guest_first: int
    node_first: int
    count: int

    @property
    def lxc_value(self) -> str:
        """As `lxc.idmap` has it."""
        return f"{self.kind} {self.guest_first} {self.node_first} {self.count}"

    @property
    def usernsexec_value(self) -> str:
        """As `lxc-usernsexec -m` wants it."""
        return f"{self.kind}:{self.guest_first}:{self.node_first}:{self.count}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class IdMap:
    """All ranges of a guest; none for a privileged one, whose ids are the node's."""

    ranges: Sequence[IdRange] = ()
    custom: bool = False
    """Given by `lxc.idmap` lines in the guest's configuration."""

    def node_uid(self, uid: int) -> int:
        """The node's uid of a guest's uid; RuntimeFailedError when it has none."""
        return self._map("u", uid)

    def node_gid(self, gid: int) -> int:
        """The node's gid of a guest's gid; RuntimeFailedError when it has none."""
        return self._map("g", gid)

    def _map(self, kind: str, number: int) -> int:
        if not self.ranges:
            return number
        for each in self.ranges:
            if each.kind == kind and each.guest_first <= number < each.guest_first + each.count:
                return each.node_first + number - each.guest_first
        raise RuntimeFailedError(f"could not map {kind}id {number} to a host id: it is outside the guest's id map")


UNPRIVILEGED = IdMap(
    ranges=tuple(
        IdRange(kind=kind, guest_first=0, node_first=_DEFAULT_FIRST, count=_DEFAULT_COUNT) for kind in ("u", "g")
    )
)


def id_map_of(guest: GuestSpec) -> IdMap:
    """The guest's map: its own `lxc.idmap` lines, or PVE's default when it is unprivileged."""
    ranges = tuple(_parse(value for key, value in guest.raw_lxc if key == "lxc.idmap"))
    if ranges:
        return IdMap(ranges=ranges, custom=True)
    return UNPRIVILEGED if guest.unprivileged else IdMap()


def _parse(values: Iterable[str]) -> Iterable[IdRange]:
    for value in values:
        words = value.split()
        try:
            kind, guest_first, node_first, count = words[0], *map(int, words[1:])
        except (IndexError, ValueError):
            raise RuntimeFailedError(f"failed to parse idmap: {value}") from None
        kinds = ("u", "g") if kind == "b" else (kind,)
        for each in kinds:
            yield IdRange(kind=each, guest_first=guest_first, node_first=node_first, count=count)
