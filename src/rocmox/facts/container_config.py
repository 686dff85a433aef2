"""Containers of a PVE node and the devices passed to them: `/etc/pve/lxc/VMID.conf` (PVE::LXC::Config).

Only the section before the first `[snapshot]` is the running configuration.
"""

from __future__ import annotations

import dataclasses
import re

from rocmox.errors import CannotLookError
from rocmox.facts.reading import list_names, read_text
from rocmox.machine import Machine, is_constructed

_FOLDER = "/etc/pve/lxc"
_FILE = re.compile(r"(?P<vmid>[1-9]\d{2,8})\.conf")
_SETTING = re.compile(r"(?P<key>[a-z][\w.]*):\s*(?P<value>.*)")
_RAW = re.compile(r"(?P<key>lxc\.[\w.-]+)\s*[:=]\s*(?P<value>.*)")
_DEVICE_KEY = re.compile(r"dev\d{1,3}")
_MODE = re.compile(r"0[0-7]{3}")


@dataclasses.dataclass(frozen=True, kw_only=True)
class PassedDevice:
    """A `devN` line; uid and gid are the container's own ids, mode is octal text such as 0660."""

    key: str
    path: str
    uid: int = 0
    gid: int = 0
    mode: str = "0660"
    deny_write: bool = False
    exists: bool | None = None
    """Whether the node has this device now; None when nobody looked (a configuration alone, a constructed machine)."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ContainerConfig:
    """A container as its node knows it."""

    vmid: int
    hostname: str
    unprivileged: bool
    devices: tuple[PassedDevice, ...]
    raw_lines: tuple[tuple[str, str], ...] = ()
    """`lxc.*` keys and values, in the order of the file."""


def parse_device(key: str, value: str) -> PassedDevice:
    """`"/dev/kfd,gid=992,mode=0660"`; CannotLookError when it is not a device."""
    options: dict[str, str] = {}
    for part in value.split(","):
        name, equals, setting = part.strip().partition("=")
        options.update({name: setting} if equals else {"path": name})
    path, mode = options.get("path", ""), options.get("mode", "0660")
    if not path.startswith("/dev/"):
        raise CannotLookError(f"{key}: {value[:60]!r} names no device below /dev")
    ids = {name: options.get(name, "0") for name in ("uid", "gid")}
    if not all(word.isascii() and word.isdecimal() for word in ids.values()) or not _MODE.fullmatch(mode):
        raise CannotLookError(f"{key}: {value[:60]!r} has no valid uid, gid or mode")
    return PassedDevice(
        key=key,
        path=path,
        uid=int(ids["uid"]),
        gid=int(ids["gid"]),
        mode=mode,
        deny_write=options.get("deny-write") == "1",
    )


def parse_config(vmid: int, text: str) -> ContainerConfig:
    """The running part of a configuration; devices that cannot be understood are left out."""
    settings: dict[str, str] = {}
    raw_lines = []
    for line in text.splitlines():
        if line.startswith("["):
            break
        if raw := _RAW.fullmatch(line.strip()):
            raw_lines.append((raw["key"], raw["value"]))
        elif match := _SETTING.fullmatch(line.strip()):
            settings[match["key"]] = match["value"]
    devices = []
    for key in sorted(filter(_DEVICE_KEY.fullmatch, settings), key=lambda name: int(name[3:])):
        try:
            devices.append(parse_device(key, settings[key]))
        except CannotLookError:
            continue
    return ContainerConfig(
        vmid=vmid,
        hostname=settings.get("hostname", f"CT{vmid}"),
        unprivileged=settings.get("unprivileged") == "1",
        devices=tuple(devices),
        raw_lines=tuple(raw_lines),
    )


def read_configs(machine: Machine) -> list[ContainerConfig]:
    """Every container of the node, by VMID; empty where there is no PVE."""
    if not machine.exists(_FOLDER):
        return []
    found = []
    for name in list_names(machine, _FOLDER):
        match = _FILE.fullmatch(name)
        if match:
            found.append(_looked_up(machine, parse_config(int(match["vmid"]), read_text(machine, f"{_FOLDER}/{name}"))))
    return sorted(found, key=lambda config: config.vmid)


def _looked_up(machine: Machine, config: ContainerConfig) -> ContainerConfig:
    if is_constructed(machine):
        return config
    devices = (dataclasses.replace(device, exists=machine.exists(device.path)) for device in config.devices)
    return dataclasses.replace(config, devices=tuple(devices))
