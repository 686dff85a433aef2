"""`pct mount` and `pct unmount`: a stopped guest's volumes where everyone on the node sees them."""

from __future__ import annotations

from rocmox_lab.pve.runtime import liveness, mounting
from rocmox_lab.pve.runtime.id_map import id_map_of
from rocmox_lab.pve.runtime.layout import Layout
from rocmox_lab.pve.runtime_protocol import GuestSpec, RuntimeFailedError


def mount(guest: GuestSpec, layout: Layout) -> str:
    """Path of the mounted root; what was mounted before a failure is unmounted again."""
    if guest.vmid in liveness.running_vmids(layout):
        raise RuntimeFailedError("cannot mount: container is running")
    root = layout.rootfs(guest.vmid)
    root.mkdir(mode=0o755, parents=True, exist_ok=True)
    try:
        mounting.mount_all(guest, str(root), id_map_of(guest))
    except RuntimeFailedError:
        mounting.unmount_all(str(root))
        raise
    return str(root)


def unmount(vmid: int, layout: Layout) -> None:
    """Unmount everything at and below the guest's root."""
    mounting.unmount_all(str(layout.rootfs(vmid)))
