"""`devN` entries: what they say.

Values are compared parsed, never as text: PVE keeps `path=/dev/kfd` and `/dev/kfd` as written. gid and uid are
the guest's.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping

from rocmox.containers.current.cards import KFD, RENDER, VIDEO
from rocmox.containers.current.properties import parse_properties

KEY = re.compile(r"dev(\d+)")
_DEFAULT_MODE = "0660"


@dataclasses.dataclass(frozen=True, kw_only=True)
class GroupIds:
    """Ids of the groups that own GPU nodes, as the guest's /etc/group has them."""

    render: int
    video: int

    def of(self, group: str) -> int:
        return {RENDER: self.render, VIDEO: self.video}[group]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Device:
    """One `devN` value."""

    path: str
    gid: int = 0
    uid: int = 0
    mode: str = _DEFAULT_MODE
    deny_write: bool = False
    flaw: str = ""
    """What PVE cannot take of a value written by hand, such as a comment behind it; never desired."""

    @classmethod
    def from_value(cls, value: str) -> Device:
        """Any text; PVE hands on what it could not parse (`PVE::LXC::Config`, parse_pct_config)."""
        said, _, flaw = value.partition(" ")
        fields = parse_properties(said, default_key="path")
        ids = {key: fields.get(key, "0") for key in ("gid", "uid")}
        wrong = [f"{key}={text}" for key, text in ids.items() if not text.isdecimal()]
        return cls(
            path=fields.get("path", ""),
            gid=0 if wrong else int(ids["gid"]),
            uid=0 if wrong else int(ids["uid"]),
            flaw=" ".join([*wrong, flaw.strip()]).strip(),
            mode=fields.get("mode", _DEFAULT_MODE),
            deny_write=fields.get("deny-write") == "1",
        )

    def to_value(self) -> str:
        """As PVE takes it: mode with four digits, no blanks."""
        return f"{self.path},gid={self.gid},mode={self.mode}"


def is_gpu_path(path: str) -> bool:
    """Whether rocmox manages this device; every other `devN` of a container is its owner's own."""
    return path == KFD or path.startswith("/dev/dri/")


def gpu_devices(config: Mapping[str, str]) -> dict[str, Device]:
    """`devN` key → GPU device, in the order of N."""
    found = {key: Device.from_value(value) for key, value in config.items() if KEY.fullmatch(key)}
    return {key: found[key] for key in sorted(found, key=index_of) if is_gpu_path(found[key].path)}


def remembered_groups(config: Mapping[str, str]) -> GroupIds | None:
    """The ids an existing configuration used: the best knowledge about a guest that does not run."""
    devices = gpu_devices(config).values()
    render = {device.gid for device in devices if device.path == KFD or device.path.startswith("/dev/dri/renderD")}
    video = {device.gid for device in devices if device.path.startswith("/dev/dri/card")}
    if len(render) != 1 or len(video) != 1 or 0 in render | video:
        return None
    return GroupIds(render=render.pop(), video=video.pop())


def index_of(key: str) -> int:
    """The N of a `devN` key, -1 for any other."""
    match = KEY.fullmatch(key)
    return int(match[1]) if match else -1
