"""The child of `hotplug`: makes a node or mounts a volume in the monitor's namespace, attaches it in the guest's.

A detached copy of the mount is carried across by file descriptor (open_tree(2), move_mount(2)), as in
`PVE::LXC::mountpoint_hotplug`.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from rocmox_lab.pve.runtime import devices, guest_file, liveness, mounting, syscalls
from rocmox_lab.pve.runtime.id_map import IdMap, id_map_of
from rocmox_lab.pve.runtime.layout import Layout
from rocmox_lab.pve.runtime_protocol import DeviceSpec, GuestSpec, MountSpec, RuntimeFailedError

_STAGING = "/var/lib/lxc/.staging"


def plug_device(guest: GuestSpec, device: DeviceSpec, layout: Layout, guest_mounts: int) -> None:
    """Node into the passthrough folder, bound over an empty file in the guest's /dev."""
    id_map = id_map_of(guest)
    node = devices.make_node(device, layout.passthrough(guest.vmid), id_map)
    tree = syscalls.clone_mount(str(node))
    syscalls.enter_namespace(guest_mounts, syscalls.CLONE_NEWNS)
    folder, _, name = device.path.rpartition("/")
    with as_guest_root(id_map), mounting.open_inside("/", folder, id_map) as parent:
        target = os.open(name, os.O_RDONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644, dir_fd=parent)
    syscalls.attach_mount(tree, target)


def plug_mount(mount: MountSpec, id_map: IdMap, guest_mounts: int) -> None:
    """Volume onto a staging folder, moved to its place in the guest."""
    Path(_STAGING).mkdir(mode=0o700, exist_ok=True)
    mounting.mount_at(mount, _STAGING)
    tree = syscalls.clone_mount(_STAGING)
    syscalls.unmount(_STAGING, flags=syscalls.MNT_DETACH)
    syscalls.enter_namespace(guest_mounts, syscalls.CLONE_NEWNS)
    with as_guest_root(id_map), mounting.open_inside("/", mount.target, id_map) as target:
        place = os.dup(target)
    syscalls.attach_mount(tree, place)


@contextlib.contextmanager
def as_guest_root(id_map: IdMap) -> Iterator[None]:
    """Make files as the guest's root does: the guest's tmpfs cannot even name the node's."""
    os.setegid(id_map.node_gid(0))
    os.seteuid(id_map.node_uid(0))
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


def _mounts_of(pid: int) -> int:
    return os.open(f"/proc/{pid}/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)


def main() -> int:
    """Carry out the order from stdin; the reason of a failure goes to stderr."""
    order = json.load(sys.stdin)
    guest, pid = guest_file.from_json(order["guest"]), order["pid"]
    try:
        id_map = id_map_of(guest)
        guest_mounts, monitor_mounts = _mounts_of(pid), _mounts_of(liveness.monitor_pid(pid))
        syscalls.enter_namespace(monitor_mounts, syscalls.CLONE_NEWNS)
        if order["action"] == "device":
            device = next(each for each in guest.devices if each.key == order["key"])
            plug_device(guest, device, Layout(), guest_mounts)
        else:
            plug_mount(next(each for each in guest.mounts if each.key == order["key"]), id_map, guest_mounts)
    except (OSError, RuntimeFailedError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
