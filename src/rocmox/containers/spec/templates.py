"""Which template a name means: a volume id, a file name, or its beginning (`debian-13-standard`: the newest)."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Sequence

SUPPORTED_GUESTS = ("debian-12", "debian-13", "ubuntu-22.04", "ubuntu-24.04")
"""The systems rocmox's roles install on, as template names begin."""

_GUEST = re.compile(r"(?P<os>[a-z]+)-(?P<version>\d+(?:\.\d+)?)-")


@dataclasses.dataclass(frozen=True, kw_only=True)
class TemplateChoice:
    """A template by storage and file; `download` when it is not on the storage yet."""

    storage: str
    file_name: str
    download: bool

    @property
    def volume_id(self) -> str:
        return f"{self.storage}:vztmpl/{self.file_name}"


def split_volume_id(name: str, *, default_storage: str) -> tuple[str, str]:
    """`local:vztmpl/x.tar.zst` as storage and file; a bare name lies on the default storage."""
    storage, colon, rest = name.partition(":")
    return (storage, rest.rpartition("/")[2]) if colon else (default_storage, name)


def choose_template(
    name: str, *, storage: str, present: Sequence[str], downloadable: Sequence[str]
) -> TemplateChoice | None:
    """The template a name means: the newest on the storage, else the newest of the index, else None.

    `present` are volume ids, `downloadable` file names.
    """
    _, wanted = split_volume_id(name, default_storage=storage)
    here = newest(wanted, [split_volume_id(volume, default_storage=storage)[1] for volume in present])
    if here:
        return TemplateChoice(storage=storage, file_name=here, download=False)
    there = newest(wanted, downloadable)
    return TemplateChoice(storage=storage, file_name=there, download=True) if there else None


def newest(wanted: str, file_names: Collection[str]) -> str | None:
    """The file with this name, or the highest version among those that continue it with `_` or `-`."""
    if wanted in file_names:
        return wanted
    matching = [name for name in file_names if name.startswith((f"{wanted}_", f"{wanted}-"))]
    return max(matching, key=_version_key) if matching else None


def guest_system(file_name: str) -> str | None:
    """`debian-13` for `debian-13-standard_13.1-2_amd64.tar.zst`; None when the name does not tell."""
    match = _GUEST.match(file_name)
    return f"{match['os']}-{match['version']}" if match else None


def _version_key(file_name: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", file_name))
