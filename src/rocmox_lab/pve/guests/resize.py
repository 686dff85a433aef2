"""Grow a volume (PVE::API2::LXC, resize_vm)."""

from __future__ import annotations

import contextlib
import io

from rocmox_lab.pve import sizes
from rocmox_lab.pve.answers import AnswerError
from rocmox_lab.pve.call import Call
from rocmox_lab.pve.guests.service import Guests
from rocmox_lab.pve.guests.spec import parsed, rendered
from rocmox_lab.pve.storage import volumes
from rocmox_lab.pve.worker import Worker, worker


def resize(call: Call) -> str:
    """PUT …/resize: the new size is worked out before the task."""
    guests = Guests(call.node)
    disk, size = call.need("disk"), call.need("size")
    config = guests.files.load(call.vmid)
    guests.check_lock(config)
    parts = parsed(guests.files, disk, config.values.get(disk, ""))
    path = guests.node.path(volumes.find(guests.storages, parts["volume"]).path)
    old_bytes = path.stat().st_size if path.is_file() else 0
    asked = sizes.parse(size.removeprefix("+")) or 0
    new_bytes = old_bytes + asked if size.startswith("+") else asked
    if new_bytes < old_bytes:
        message = "unable to shrink disk size\n"
        raise AnswerError(message)
    if new_bytes == old_bytes:
        message = "disk is already at specified size\n"
        raise AnswerError(message)
    return call.spawn("resize", str(call.vmid), {"vmid": call.vmid, "disk": disk, "size_bytes": new_bytes})


@worker("resize")
def run_resize(job: Worker) -> None:
    """Image, file system, then the size in the file."""
    guests, vmid = Guests(job.node), int(job.arguments["vmid"])
    disk, size_bytes = str(job.arguments["disk"]), int(job.arguments["size_bytes"])
    with guests.locked(vmid, timeout_seconds=60):
        config = guests.files.load(vmid)
        guests.check_lock(config)
        parts = parsed(guests.files, disk, config.values[disk])
        path = guests.node.path(volumes.find(guests.storages, parts["volume"]).path)
        job.log("Image resized.")
        said = io.StringIO()
        with contextlib.redirect_stderr(said):
            job.node.runtime.resize_volume(path=str(path), size_bytes=size_bytes, vmid=vmid)
        for line in said.getvalue().splitlines():
            job.log(line)
        parts["size"] = sizes.show(size_bytes)
        config.values[disk] = rendered(guests.files, disk, parts)
        guests.files.save(vmid, config)
