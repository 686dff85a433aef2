"""`/var/lib/lxc/VMID/guest.json`: the specification the hooks of a starting container work from."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rocmox.files import write_whole
from rocmox_lab.pve.runtime_protocol import DeviceSpec, GuestSpec, MountSpec, NetworkSpec


def to_json(guest: GuestSpec) -> str:
    """The specification as JSON text."""
    plain = dataclasses.asdict(dataclasses.replace(guest, features=dict(guest.features)))
    return json.dumps(plain, indent=1)


def from_json(text: str) -> GuestSpec:
    """The specification of JSON text; TypeError or KeyError when it is not one."""
    plain: dict[str, Any] = json.loads(text)
    plain["rootfs"] = _mount(plain["rootfs"])
    plain["mounts"] = tuple(_mount(each) for each in plain["mounts"])
    plain["devices"] = tuple(DeviceSpec(**each) for each in plain["devices"])
    plain["networks"] = tuple(NetworkSpec(**each) for each in plain["networks"])
    plain["raw_lxc"] = tuple((key, value) for key, value in plain["raw_lxc"])
    return GuestSpec(**plain)


def save(path: Path, guest: GuestSpec) -> None:
    """Write the file for root alone, whole or not at all."""
    write_whole(path, to_json(guest), mode=0o600, durable=False)


def load(path: Path) -> GuestSpec:
    """Read the file; OSError when there is none."""
    return from_json(path.read_text())


def _mount(plain: Mapping[str, Any]) -> MountSpec:
    return MountSpec(**{**plain, "mount_options": tuple(plain["mount_options"])})
