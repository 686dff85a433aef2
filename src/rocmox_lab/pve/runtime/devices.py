"""Passing device nodes into a guest (`PVE::LXC::create_passthrough_device_node`, `get_device_mode_and_rdev`)."""

from __future__ import annotations

import dataclasses
import os
import stat
from collections.abc import Sequence
from pathlib import Path

from rocmox_lab.pve.runtime.id_map import IdMap
from rocmox_lab.pve.runtime_protocol import DeviceSpec, RuntimeFailedError


@dataclasses.dataclass(frozen=True, kw_only=True)
class NodeDevice:
    """A device as the node has it now."""

    kind: str
    """`c` or `b`."""
    major: int
    minor: int

    @property
    def file_type(self) -> int:
        """S_IFCHR or S_IFBLK, for mknod."""
        return stat.S_IFCHR if self.kind == "c" else stat.S_IFBLK


def look_up(path: str, root: Path = Path("/")) -> NodeDevice:
    """The device at `path`, links followed; PVE's words when there is none."""
    try:
        found = (root / path.lstrip("/")).stat()
    except OSError:
        raise RuntimeFailedError(f"Device {path} does not exist") from None
    if not (stat.S_ISCHR(found.st_mode) or stat.S_ISBLK(found.st_mode)):
        raise RuntimeFailedError(f"{path} is not a device")
    kind = "c" if stat.S_ISCHR(found.st_mode) else "b"
    return NodeDevice(kind=kind, major=os.major(found.st_rdev), minor=os.minor(found.st_rdev))


def rules(devices: Sequence[DeviceSpec], root: Path = Path("/")) -> tuple[str, ...]:
    """cgroup2 rules that let the guest use each device; a device named twice is refused, as PVE does at start."""
    seen: set[str] = set()
    lines = []
    for device in devices:
        if device.path in seen:
            raise RuntimeFailedError(f"Device path {device.path} is used more than once")
        seen.add(device.path)
        lines.append(rule(device, look_up(device.path, root)))
    return tuple(lines)


def rule(device: DeviceSpec, found: NodeDevice) -> str:
    """`c 226:128 rw`, or `r` alone with `deny-write`."""
    return f"{found.kind} {found.major}:{found.minor} {'r' if device.deny_write else 'rw'}"


def make_node(device: DeviceSpec, passthrough: Path, id_map: IdMap, root: Path = Path("/")) -> Path:
    """Make the guest's node below `passthrough`: same path, mapped owner, wanted mode; replaces an older one."""
    found = look_up(device.path, root)
    target = passthrough / device.path.lstrip("/")
    target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    os.mknod(target, found.file_type, os.makedev(found.major, found.minor))
    os.chown(target, id_map.node_uid(device.uid), id_map.node_gid(device.gid))
    target.chmod(device.mode)
    return target
