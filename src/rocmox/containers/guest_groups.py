"""Group ids of running guests, from lines `VMID name:x:gid:members` (what the role's script on the node prints)."""

from __future__ import annotations

from rocmox.containers.cards import RENDER, VIDEO
from rocmox.containers.devices import GroupIds
from rocmox.errors import UsageError


def parse_guest_groups(text: str) -> dict[int, GroupIds]:
    """VMID → ids, for the guests that have both groups. UsageError names a line that is none."""
    found: dict[int, dict[str, int]] = {}
    for line in filter(None, (line.strip() for line in text.splitlines())):
        vmid, _, entry = line.partition(" ")
        fields = entry.split(":")
        if not vmid.isdigit() or len(fields) < 3 or not fields[2].isdigit():  # noqa: PLR2004 - name:password:gid
            raise UsageError(f"{line!r} is no group of a guest", remedy="Expected: `101 render:x:993:`.")
        found.setdefault(int(vmid), {})[fields[0]] = int(fields[2])
    return {
        vmid: GroupIds(render=groups[RENDER], video=groups[VIDEO])
        for vmid, groups in found.items()
        if RENDER in groups and VIDEO in groups
    }
