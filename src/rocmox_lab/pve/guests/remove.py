"""Destroy a container (PVE::API2::LXC, destroy_vm)."""

from __future__ import annotations

from pathlib import Path

from rocmox_lab.pve.access import store
from rocmox_lab.pve.answers import AnswerError
from rocmox_lab.pve.call import Call
from rocmox_lab.pve.guests import disks
from rocmox_lab.pve.guests.service import Guests
from rocmox_lab.pve.storage import volumes
from rocmox_lab.pve.worker import Worker, worker


def destroy(call: Call) -> str:
    """DELETE /nodes/{node}/lxc/{vmid}."""
    guests = Guests(call.node)
    config = guests.files.load(call.vmid)
    guests.check_lock(config)
    if config.flag("protection"):
        message = f"can't remove CT {call.vmid} - protection mode enabled\n"
        raise AnswerError(message)
    if guests.running(call.vmid) and not call.flag("force"):
        message = f"unable to destroy CT {call.vmid} - container is running\n"
        raise AnswerError(message)
    flags = {"purge": "purge", "force": "force", "unreferenced": "destroy-unreferenced-disks"}
    arguments = {"vmid": call.vmid, **{name: call.flag(parameter) for name, parameter in flags.items()}}
    return call.spawn("vzdestroy", str(call.vmid), arguments)


@worker("vzdestroy")
def run_destroy(job: Worker) -> None:
    """Stop when forced, free every volume, forget the guest."""
    guests, vmid = Guests(job.node), int(job.arguments["vmid"])
    with guests.locked(vmid, timeout_seconds=60):
        config = guests.files.load(vmid)
        guests.check_lock(config)
        if guests.running(vmid):
            if not job.arguments.get("force"):
                message = f"CT {vmid} is running"
                raise AnswerError(message)
            job.log(f"forced to stop CT {vmid} before destroying!")
            job.node.runtime.stop(vmid)
        if job.arguments.get("purge"):
            job.log(f"purging CT {vmid} from related configurations..")
        config.values["lock"] = "destroyed"
        guests.files.save(vmid, config)
        for path in disks.of_guest(guests, config) if "rootfs" in config.values else []:
            job.node.runtime.free_volume(path=path)
            disks.remove_empty_folder(Path(path).parent)
        if job.arguments.get("unreferenced"):
            _free_unreferenced(job, guests, vmid)
        job.node.runtime.destroy(vmid)
        guests.files.remove(vmid)
    _leave_pools_and_acl(job, vmid)


def _free_unreferenced(job: Worker, guests: Guests, vmid: int) -> None:
    """Every disk of the VMID that is left on an enabled storage (PVE::LXC, destroy_lxc_container)."""
    storages = guests.storages
    for storage in storages.storages.values():
        for entry in volumes.listing(job.node, storage, content=None, vmid=vmid) if storage.enabled else []:
            path = job.node.path(volumes.find(storages, str(entry["volid"])).path)
            job.node.runtime.free_volume(path=str(path))
            disks.remove_empty_folder(path.parent)


def _leave_pools_and_acl(job: Worker, vmid: int) -> None:
    """A guest that is gone is in no pool, and nobody has rights to it."""
    with store.changing(job.node) as data:
        for pool in data["pools"].values():
            pool["vms"] = [entry for entry in pool.get("vms", []) if entry != vmid]
        data["acl"] = [entry for entry in data["acl"] if entry["path"] != f"/vms/{vmid}"]
