"""A posted container configuration: devN lines and the raw `lxc.*` lines of older recipes, with their comments."""

from __future__ import annotations

import dataclasses
import re

from rocmox.errors import CannotLookError
from rocmox.facts.container_config import ContainerConfig, parse_config

_ALLOW = re.compile(
    r"^[ \t]{0,20}lxc\.cgroup2?\.devices\.allow[ \t]{0,9}[:=][ \t]{0,20}(?P<rule>[ca] \S+ [rwm]+)", re.MULTILINE
)
_MOUNT = re.compile(
    r"^[ \t]{0,20}lxc\.mount\.entry[ \t]{0,9}[:=][ \t]{0,20}(?P<source>/\S+) (?P<target>\S+) \S+ (?P<options>\S+)",
    re.MULTILINE,
)
_ID_MAP = re.compile(r"^[ \t]{0,20}lxc\.idmap[ \t]{0,9}[:=][ \t]{0,20}(?P<map>[ug] \d+ \d+ \d+)", re.MULTILINE)
_KEY = re.compile(r"^[ \t]{0,20}(?:lxc\.[\w.]+|[a-z][a-z0-9_]*)[ \t]{0,9}[:=]", re.MULTILINE)
_COMMENT = re.compile(r"(?m)(?<=\S)[ \t]{1,200}#.*$")
_UNFILLED = re.compile(r"(?m)^[ \t]{0,20}dev(?P<number>\d{1,3}):.*[<>].*$")


@dataclasses.dataclass(frozen=True, kw_only=True)
class PostedContainer:
    """A configuration and the raw lines beside it.

    `config` is what PVE understands; `allowed`, `mounts` and `id_maps` are raw lines; `unfilled` are devN lines with a
    placeholder in them.
    """

    config: ContainerConfig
    allowed: tuple[str, ...]
    mounts: tuple[tuple[str, str], ...]
    id_maps: tuple[str, ...]
    unfilled: tuple[str, ...]


def parse_container(text: str, vmid: int = 100) -> PostedContainer:
    """CannotLookError when the text has no line of a container's configuration."""
    clean = _COMMENT.sub("", text.replace("\r", ""))
    if not _KEY.search(clean):
        raise CannotLookError("no line of a container's configuration")
    return PostedContainer(
        config=parse_config(vmid, clean),
        allowed=tuple(match["rule"] for match in _ALLOW.finditer(clean)),
        mounts=tuple((match["source"], match["target"]) for match in _MOUNT.finditer(clean)),
        id_maps=tuple(match["map"] for match in _ID_MAP.finditer(clean)),
        unfilled=tuple(f"dev{match['number']}" for match in _UNFILLED.finditer(text)),
    )
