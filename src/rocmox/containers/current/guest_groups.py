"""Group ids of running guests, from lines `VMID name:x:gid:members` (what the role's script on the node prints)."""

from __future__ import annotations

import re

from rocmox.containers.current.cards import RENDER, VIDEO
from rocmox.containers.current.devices import GroupIds

_LINE = re.compile(rf"^(?P<vmid>\d+) (?P<group>{RENDER}|{VIDEO}):[^:]*:(?P<gid>\d+):", re.MULTILINE)


def parse_guest_groups(text: str) -> dict[int, GroupIds]:
    """VMID → ids, for the guests that have both groups; other lines (a terminal mixes diagnostics in) say nothing."""
    found: dict[int, dict[str, int]] = {}
    for match in _LINE.finditer(text):
        found.setdefault(int(match["vmid"]), {})[match["group"]] = int(match["gid"])
    return {
        vmid: GroupIds(render=groups[RENDER], video=groups[VIDEO])
        for vmid, groups in found.items()
        if RENDER in groups and VIDEO in groups
    }
