"""A note on the node for each container that is being created: what makes a half-made one recognisable as ours.

Until a creation has ended, Proxmox VE keeps nothing in the configuration but `lock: create`, no tag and no name. When
the node goes down meanwhile that is all that stays, and it cannot be told from somebody else's. The note can.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from rocmox.machine import Machine

FOLDER = "/var/lib/rocmox/creations"
_READ = 'cd "$0" 2>/dev/null || exit 0; for vmid; do [ ! -f "$vmid" ] || echo "$vmid $(cat "$vmid")"; done'


class CreationNotes:
    """The notes of one node, over its machine (root), to be read."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def read(self, vmids: Collection[int]) -> Mapping[int, int]:
        """VMID → when its creation began (seconds since 1970 by the node's clock), for those that are noted."""
        words = [line.split() for line in self._run(_READ, vmids).splitlines()]
        return {int(line[0]): int(line[1]) for line in words if len(line) == 2 and line[1].isdecimal()}  # noqa: PLR2004 - VMID and time

    def _run(self, script: str, vmids: Collection[int]) -> str:
        return self._machine.run(["sh", "-c", script, FOLDER, *map(str, vmids)]).check().stdout
