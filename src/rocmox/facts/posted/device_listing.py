"""`ls -l` of device nodes, lines of /etc/group, and what a program said when it could not open a node."""

from __future__ import annotations

import dataclasses
import re

from rocmox.errors import CannotLookError
from rocmox.facts.posted.terminal import plain

_NODE = re.compile(
    r"^[#> \t]{0,20}c(?P<mode>[r-][w-][xsS-][r-][w-][xsS-][r-][w-][xtT-])[+.@]?[ \t]{1,9}\d{1,9}[ \t]{1,9}"
    r"(?P<owner>\S{1,40})[ \t]{1,20}(?P<group>\S{1,40})[ \t]{1,20}"
    r"(?P<major>\d{1,4}),[ \t]{0,9}(?P<minor>\d{1,7})[ \t](?:.{0,60}[ \t])?(?P<name>\S{1,100})$",
    re.MULTILINE,
)
_SAID = re.compile(
    r"^[#> \t]{0,20}(?P<path>/dev/\S{1,60})[ \t]{0,20}(?:→|->|:)[ \t]{0,20}"
    r"(?P<owner>[a-z_][\w-]{0,30})[ \t]{1,20}(?P<group>[a-z_][\w-]{0,30})\b",
    re.MULTILINE,
)
_GROUP = re.compile(
    r"^[#> \t]{0,20}(?P<name>[a-z_][\w-]{0,30}):[x*!]?:(?P<gid>\d{1,10}):(?P<members>[\w,.-]{0,200})[ \t]{0,20}$",
    re.MULTILINE,
)
_ID = re.compile(r"(?<![\w.])(?P<gid>\d{1,10})\((?P<name>render|video|kvm)\)")
_REFUSED = re.compile(r"[Uu]nable to open (?P<path>/dev/\S{1,60})[^:\n]*: (?P<why>[A-Z][\w ]{2,60})")
_NOT_MEMBER = re.compile(r"(?P<user>\S{1,40}) is not (?:a )?member of \"?(?P<group>[\w-]{1,40})\"? group")


@dataclasses.dataclass(frozen=True, kw_only=True)
class ListedNode:
    """One node; what the text does not say is None."""

    name: str
    owner: str
    group: str
    major: int | None
    minor: int | None
    mode: str | None


@dataclasses.dataclass(frozen=True, kw_only=True)
class DeviceListing:
    """Nodes, groups by name with their ids, paths that could not be opened with the reason, users lacking a group."""

    nodes: tuple[ListedNode, ...]
    groups: dict[str, int]
    refused: dict[str, str]
    not_members: tuple[tuple[str, str], ...]


def parse_listing(text: str) -> DeviceListing:
    """CannotLookError when the text says nothing of nodes, groups or rights."""
    clean = plain(text)
    nodes = [
        ListedNode(
            name=match["name"],
            owner=match["owner"],
            group=match["group"],
            major=int(match["major"]),
            minor=int(match["minor"]),
            mode=match["mode"],
        )
        for match in _NODE.finditer(clean)
    ]
    nodes += [
        ListedNode(name=match["path"], owner=match["owner"], group=match["group"], major=None, minor=None, mode=None)
        for match in _SAID.finditer(clean)
    ]
    listing = DeviceListing(
        nodes=tuple(nodes),
        groups={match["name"]: int(match["gid"]) for pattern in (_ID, _GROUP) for match in pattern.finditer(clean)},
        refused={match["path"]: match["why"] for match in _REFUSED.finditer(clean)},
        not_members=tuple((match["user"], match["group"]) for match in _NOT_MEMBER.finditer(clean)),
    )
    if not (listing.nodes or listing.groups or listing.refused or listing.not_members):
        raise CannotLookError("no device node, no group and no refused open")
    return listing
