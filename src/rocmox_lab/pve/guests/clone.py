"""Full clones and templates of a stopped container (PVE::API2::LXC, clone_vm and template)."""

from __future__ import annotations

import copy
import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from rocmox_lab.pve.answers import ENOENT, AnswerError
from rocmox_lab.pve.call import Call
from rocmox_lab.pve.guests.config import GuestConfig, Section
from rocmox_lab.pve.guests.disks import Disks
from rocmox_lab.pve.guests.service import Guests
from rocmox_lab.pve.guests.spec import numbered, parsed, rendered
from rocmox_lab.pve.storage import volumes
from rocmox_lab.pve.worker import Worker, worker

_CHUNK = 1 << 20


def clone(call: Call) -> str:
    """POST …/clone."""
    guests = Guests(call.node)
    new = call.number("newid")
    config = guests.files.load(call.vmid)
    guests.check_lock(config)
    guests.check_unused(new)
    if guests.running(call.vmid):
        message = "Cannot do full clones on a running container without snapshots\n"
        raise AnswerError(message, exit_code=ENOENT)
    guests.files.save(new, GuestConfig(current=Section(values={"lock": "create"})))
    arguments = {
        "vmid": call.vmid,
        "newid": new,
        "storage": call.text("storage"),
        "changes": {key: call.need(key) for key in ("hostname", "description") if key in call.parameters},
    }
    return call.spawn("vzclone", str(call.vmid), arguments)


@worker("vzclone")
def run_clone(job: Worker) -> None:
    """Copy every volume, then the configuration with new MAC addresses."""
    guests = Guests(job.node)
    vmid, new = int(job.arguments["vmid"]), int(job.arguments["newid"])
    with guests.locked(vmid, timeout_seconds=60), guests.locked(new, timeout_seconds=60):
        source = guests.files.load(vmid)
        config = GuestConfig(current=copy.deepcopy(source.current))
        config.values.update(job.arguments["changes"])
        config.values.pop("template", None)
        disks = Disks(job, guests, new, unprivileged=config.flag("unprivileged"))
        try:
            for key in ["rootfs", *numbered(config.values, "mp")]:
                _copy_volume(job, guests, disks, config, key)
        except (AnswerError, OSError) as error:
            disks.free_allocated()
            guests.files.remove(new)
            message = f"clone failed: {str(error).strip()}"
            raise AnswerError(message) from error
        for key in numbered(config.values, "net"):
            parts = {**parsed(guests.files, key, config.values[key]), "hwaddr": guests.new_hwaddr()}
            config.values[key] = rendered(guests.files, key, parts)
        guests.files.save(new, config)


def _copy_volume(job: Worker, guests: Guests, disks: Disks, config: GuestConfig, key: str) -> None:
    parts = parsed(guests.files, key, config.values[key])
    found = volumes.find(guests.storages, parts["volume"])
    job.log(f"create full clone of mountpoint {key} ({parts['volume']})")
    old = job.node.path(found.path)
    storage = job.arguments.get("storage") or found.storage.id
    parts["volume"] = disks.new_volume(storage, old.stat().st_size if old.is_file() else 0)
    target = job.node.path(volumes.find(guests.storages, parts["volume"]).path)
    _copy(old, target)
    config.values[key] = rendered(guests.files, key, parts)


def _copy(old: Path, target: Path) -> None:
    if old.is_dir():
        shutil.copytree(old, target, symlinks=True, dirs_exist_ok=True)
        return
    with old.open("rb", buffering=0) as source, target.open("r+b", buffering=0) as sink:
        for start, end in _extents(source.fileno()):
            source.seek(start)
            sink.seek(start)
            while source.tell() < end:
                sink.write(source.read(min(_CHUNK, end - source.tell())))


def _extents(handle: int) -> Iterator[tuple[int, int]]:
    """Where a sparse file holds data (lseek(2), SEEK_DATA)."""
    end = 0
    while True:
        try:
            start = os.lseek(handle, end, os.SEEK_DATA)
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            return
        end = os.lseek(handle, start, os.SEEK_HOLE)
        yield start, end


def make_template(call: Call) -> None:
    """POST …/template: the guest becomes one that is only cloned."""
    guests = Guests(call.node)
    with guests.locked(call.vmid):
        config = guests.files.load(call.vmid)
        guests.check_lock(config)
        if guests.running(call.vmid):
            message = "you can't convert a CT to template if the CT is running\n"
            raise AnswerError(message)
        if config.flag("template"):
            message = "you can't convert a CT to template if the CT is already a template\n"
            raise AnswerError(message)
        parts = parsed(guests.files, "rootfs", config.values["rootfs"])
        found = volumes.find(guests.storages, parts["volume"])
        old = call.node.path(found.path)
        base = old.name.replace("vm-", "base-", 1)
        old.rename(old.with_name(base))
        parts["volume"] = f"{found.storage.id}:{call.vmid}/{base}"
        config.values["rootfs"] = rendered(guests.files, "rootfs", parts)
        config.values["template"] = "1"
        guests.files.save(call.vmid, config)
