"""Writes the notes of `current.creations`, and takes half-made containers' locks off."""

from __future__ import annotations

from collections.abc import Collection

from rocmox.containers.current.creations import CreationNotes
from rocmox.errors import CommandError

# By the node's clock, which is also that of its volumes' ages. The sync makes the note outlive a power cut.
# A note that is there stays: what it speaks of began then.
_NOTE = 'set -eu; mkdir -p "$0"; for vmid; do [ -s "$0/$vmid" ] || date +%s >"$0/$vmid"; done; sync -f "$0"'
_FORGET = 'cd "$0" 2>/dev/null || exit 0; rm -f -- "$@"'


class CreationJournal(CreationNotes):
    """The notes of one node, to be read and written."""

    def note(self, vmids: Collection[int]) -> None:
        """Before containers are created; one command for all."""
        self._run(_NOTE, vmids)

    def forget(self, vmids: Collection[int]) -> None:
        """When they are there, carrying our tag."""
        self._run(_FORGET, vmids)

    def unlock(self, vmid: int) -> None:
        """Take the lock off; the API cannot. Nothing when the container has gone."""
        done = self._machine.run(["pct", "unlock", str(vmid)])
        if done.exit_status and "does not exist" not in done.stderr:
            raise CommandError(done.argv, exit_status=done.exit_status, stdout=done.stdout, stderr=done.stderr)
