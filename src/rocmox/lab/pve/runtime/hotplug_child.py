"""The child of `hotplug`: makes a device node or mounts a volume in the monitor's namespace, attaches it in the guest's.

A detached copy of the mount is carried across by file descriptor (open_tree(2), move_mount(2)), as in
`PVE::LXC::mountpoint_hotplug`.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from pathlib import Path

from rocmox.lab.pve.runtime import devices, guest_file, liveness, mounting, syscalls
from rocmox.lab.pve.runtime.id_map import IdMap, id_map_of
from rocmox.lab.pve.runtime.layout import Layout
from rocmox.lab.pve.runtime_protocol import DeviceSpec, GuestSpec, MountSpec, RuntimeFailedError

_STAGING = "/var/lib/lxc/.staging"


def plug_device(guest: GuestSpec, device: DeviceSpec, layout: Layout, pid: int) -> None:
    """Node into the passthrough folder, bound over an empty file in the guest's /dev."""
    node = devices.make_node(device, layout.passthrough(guest.vmid), id_map_of(guest))
    tree = syscalls.clone_mount(str(node))
    _enter_mounts(pid)
    target = Path(device.path)
    target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    target.touch()
    syscalls.attach_mount(tree, device.path)


def plug_mount(mount: MountSpec, id_map: IdMap, pid: int) -> None:
    """Volume onto a staging folder, moved to its place in the guest."""
    Path(_STAGING).mkdir(mode=0o700, exist_ok=True)
    mounting.mount_at(mount, _STAGING)
    tree = syscalls.clone_mount(_STAGING)
    syscalls.unmount(_STAGING, flags=syscalls.MNT_DETACH)
    _enter_mounts(pid)
    with mounting.open_inside("/", mount.target, id_map) as target:
        syscalls.attach_mount(tree, str(Path(target).readlink()))


def _enter_mounts(pid: int) -> None:
    descriptor = os.open(f"/proc/{pid}/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
    with contextlib.closing(os.fdopen(descriptor)):
        syscalls.enter_namespace(descriptor, syscalls.CLONE_NEWNS)


def main() -> int:
    """Carry out the order from stdin; the reason of a failure goes to stderr."""
    order = json.load(sys.stdin)
    guest, pid = guest_file.from_json(order["guest"]), order["pid"]
    try:
        id_map = id_map_of(guest)
        _enter_mounts(liveness.monitor_pid(pid))
        if order["action"] == "device":
            device = next(each for each in guest.devices if each.key == order["key"])
            plug_device(guest, device, Layout(), pid)
        else:
            plug_mount(next(each for each in guest.mounts if each.key == order["key"]), id_map, pid)
    except (OSError, RuntimeFailedError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
