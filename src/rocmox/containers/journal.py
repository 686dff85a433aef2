"""A note on the node for each container that is being created: what makes a half-made one recognisable as ours.

Until a creation has ended, Proxmox VE keeps nothing in the configuration but `lock: create`, no tag and no name. When
the node goes down meanwhile that is all that stays, and it cannot be told from somebody else's. The note can.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from rocmox.errors import CommandError
from rocmox.machine import Machine

FOLDER = "/var/lib/rocmox/creations"
# By the node's clock, which is also that of its volumes' ages. The sync makes the note outlive a power cut.
# A note that is there stays: what it speaks of began then.
_NOTE = 'set -eu; mkdir -p "$0"; for vmid; do [ -s "$0/$vmid" ] || date +%s >"$0/$vmid"; done; sync -f "$0"'
_READ = 'cd "$0" 2>/dev/null || exit 0; for vmid; do [ ! -f "$vmid" ] || echo "$vmid $(cat "$vmid")"; done'
_FORGET = 'cd "$0" 2>/dev/null || exit 0; rm -f -- "$@"'


class CreationJournal:
    """The notes of one node, over its machine (root)."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def note(self, vmids: Collection[int]) -> None:
        """Before containers are created; one command for all."""
        self._run(_NOTE, vmids)

    def forget(self, vmids: Collection[int]) -> None:
        """When they are there, carrying our tag."""
        self._run(_FORGET, vmids)

    def read(self, vmids: Collection[int]) -> Mapping[int, int]:
        """VMID → when its creation began (seconds since 1970 by the node's clock), for those that are noted."""
        words = [line.split() for line in self._run(_READ, vmids).splitlines()]
        return {int(line[0]): int(line[1]) for line in words if len(line) == 2 and line[1].isdecimal()}  # noqa: PLR2004 - VMID and time

    def unlock(self, vmid: int) -> None:
        """Take the lock off; the API cannot. Nothing when the container has gone."""
        done = self._machine.run(["pct", "unlock", str(vmid)])
        if done.exit_status and "does not exist" not in done.stderr:
            raise CommandError(done.argv, exit_status=done.exit_status, stdout=done.stdout, stderr=done.stderr)

    def _run(self, script: str, vmids: Collection[int]) -> str:
        return self._machine.run(["sh", "-c", script, FOLDER, *map(str, vmids)]).check().stdout
