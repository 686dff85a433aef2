"""Make a container: the checks of the call, and the worker `vzcreate` (PVE::API2::LXC, create_vm)."""

from __future__ import annotations

import re
from typing import Any

from rocmox_lab.pve import values
from rocmox_lab.pve.access import store
from rocmox_lab.pve.answers import AnswerError, BadParameterError, NoPermissionError
from rocmox_lab.pve.call import Call
from rocmox_lab.pve.guests.config import GuestConfig, Section
from rocmox_lab.pve.guests.disks import Disks
from rocmox_lab.pve.guests.rights import NOT_OPTIONS, OptionRights
from rocmox_lab.pve.guests.service import Guests
from rocmox_lab.pve.guests.spec import numbered, parsed, rendered
from rocmox_lab.pve.runtime_protocol import CreateSpec
from rocmox_lab.pve.storage import volumes
from rocmox_lab.pve.storage.config import StorageConfig
from rocmox_lab.pve.worker import Worker, worker

_SSH_KEY = re.compile(r"^(?:\S+ )?(?:ssh-(?:rsa|dss|ed25519)|ecdsa-sha2-\S+|sk-\S+)\s+[A-Za-z0-9+/=]+(?:\s.*)?$")
DEFAULT_DISK_GIB = 4


def create(call: Call) -> str:
    """POST /nodes/{node}/lxc: everything that is refused at once, then the task."""
    guests = Guests(call.node)
    parameters = {key: str(value) for key, value in call.parameters.items() if key != "node"}
    unprivileged = values.is_true(parameters.get("unprivileged", "1" if call.node.modern else "0"))
    parameters["unprivileged"] = "1" if unprivileged else "0"
    _check_rights(call, guests, parameters, unprivileged=unprivileged)
    _check_keys(parameters.get("ssh-public-keys"))
    with guests.locked(call.vmid):
        guests.check_unused(call.vmid)
        _check_template(call, guests, parameters["ostemplate"], "backup" if call.flag("restore") else "vztmpl")
        _check_storages(guests, parameters)
        guests.check_devices(parameters)
        guests.files.save(call.vmid, GuestConfig(current=Section(values={"lock": "create"})))
    return call.spawn("vzcreate", str(call.vmid), {"parameters": parameters})


def _check_rights(call: Call, guests: Guests, parameters: dict[str, str], *, unprivileged: bool) -> None:
    pool = parameters.get("pool")
    if pool is not None and pool not in store.read(call.node)["pools"]:
        raise NoPermissionError(f"pool '{pool}' does not exist")
    paths = [f"/vms/{call.vmid}", *([f"/pool/{pool}"] if pool else [])]
    if not any(call.rights.has(call.user, path, "VM.Allocate") for path in paths):
        raise NoPermissionError
    if call.node.modern and not unprivileged and not call.is_root:
        call.rights.need(call.user, "/", ["Sys.Modify"])
    OptionRights(call.rights, call.user, call.vmid, guests.files).check(parameters, unprivileged=unprivileged)
    if not call.is_root:
        storage = parameters.get("storage", "local")
        for name in {_storage_of(text) for key, text in parameters.items() if _is_mount(key)} or {storage}:
            if name:
                call.rights.need(call.user, f"/storage/{name}", ["Datastore.AllocateSpace"])


def _is_mount(key: str) -> bool:
    return key == "rootfs" or bool(re.match(r"^mp\d+$", key))


def _storage_of(text: str) -> str:
    volume = text.split(",", 1)[0].removeprefix("volume=")
    return "" if volume.startswith("/") else volume.partition(":")[0]


def _check_keys(keys: str | None) -> None:
    lines = [line.strip() for line in (keys or "").splitlines()]
    if any(line and not line.startswith("#") and not _SSH_KEY.match(line) for line in lines):
        message = "SSH public key validation error\n"
        raise AnswerError(message)


def _check_template(call: Call, guests: Guests, template: str, kind: str) -> None:
    """That the caller may read it and that it is one, not that it is there (PVE::Storage's check_volume_access)."""
    if not re.match(r"^[^/:]+:\S", template):
        if not call.is_root:
            message = "Only root can pass arbitrary filesystem paths."
            raise AnswerError(message)
        return
    storage = guests.storages.usable(volumes.split_id(template)[0])
    if volumes.find(guests.storages, template).kind != kind:
        message = f"unable to use volume {template} - content type needs to be '{kind}'\n"
        raise AnswerError(message)
    call.rights.need_any(call.user, f"/storage/{storage.id}", ["Datastore.AllocateSpace", "Datastore.Audit"])


def _check_storages(guests: Guests, parameters: dict[str, str]) -> None:
    storages = guests.storages
    mounts = [key for key in ("rootfs", *numbered(parameters, "mp")) if key in parameters]
    if not mounts:
        _check_container_storage(storages, parameters.get("storage", "local"))
    elif "rootfs" not in mounts:
        message = "mount points configured, but 'rootfs' not set - aborting\n"
        raise AnswerError(message)
    for key in mounts:
        volume = parsed(guests.files, key, parameters[key])["volume"]
        if re.match(r"^\d+(\.\d+)?$", volume):
            _check_container_storage(storages, parameters.get("storage", "local"))
        elif not volume.startswith("/"):
            _check_container_storage(storages, volumes.split_id(volume)[0])


def _check_container_storage(storages: StorageConfig, name: str) -> None:
    storage = storages.usable(name)
    if "rootdir" not in storage.content:
        raise BadParameterError({"storage": f"storage '{name}' does not support container directories"})


@worker("vzcreate")
def run_create(job: Worker) -> None:
    """Volumes, template, configuration; on failure nothing stays."""
    guests = Guests(job.node)
    parameters: dict[str, str] = job.arguments["parameters"]
    vmid = int(parameters["vmid"])
    with guests.locked(vmid, timeout_seconds=60):
        try:
            _make(job, guests, vmid, parameters)
        except Exception as error:
            guests.files.remove(vmid)
            job.node.runtime.destroy(vmid)
            message = f"unable to create CT {vmid} - {str(error).strip()}"
            raise AnswerError(message) from error
    if values.is_true(parameters.get("start")):
        job.spawn("vzstart", str(vmid), {"vmid": vmid})


def _make(job: Worker, guests: Guests, vmid: int, parameters: dict[str, str]) -> None:
    config = GuestConfig(current=Section(values=_options(guests, vmid, parameters)))
    disks = Disks(job, guests, vmid, unprivileged=config.flag("unprivileged"))
    rootfs = parameters.get("rootfs", str(DEFAULT_DISK_GIB))
    try:
        for key, text in [("rootfs", rootfs), *((key, parameters[key]) for key in numbered(parameters, "mp"))]:
            config.values[key] = disks.allocate(key, text, default_storage=parameters.get("storage", "local"))
        create = CreateSpec(
            archive=_archive(guests, parameters["ostemplate"]),
            password=parameters.get("password"),
            ssh_public_keys=parameters.get("ssh-public-keys"),
        )
        detected = job.node.runtime.unpack(guests.spec(vmid, config), create, job.log)
    except Exception:
        disks.free_allocated()
        raise
    config.values.setdefault("ostype", detected.ostype)
    config.values.setdefault("arch", detected.arch)
    guests.files.save(vmid, config)
    _join_pool(job, vmid, parameters.get("pool"))


def _options(guests: Guests, vmid: int, parameters: dict[str, str]) -> dict[str, str]:
    """The keys of the new file, PVE's defaults written out."""
    ignored = NOT_OPTIONS | {"rootfs", *numbered(parameters, "mp")}
    found: dict[str, Any] = {key: value for key, value in parameters.items() if key not in ignored}
    found.setdefault("hostname", f"CT{vmid}")
    found.setdefault("memory", "512")
    found.setdefault("swap", "512")
    if parameters["unprivileged"] == "1":
        found["unprivileged"] = "1"
    if "description" in found:
        found["description"] = found["description"].rstrip("\n") + "\n"
    for key in numbered(found, "net"):
        found[key] = complete_network(guests, key, found[key])
    return found


def complete_network(guests: Guests, key: str, text: str, *, old: str | None = None) -> str:
    """`netN` with MAC address and type, as PVE stores it."""
    parts = parsed(guests.files, key, text)
    kept = parsed(guests.files, key, old).get("hwaddr") if old and "hwaddr" not in parts else None
    parts.setdefault("hwaddr", kept or guests.new_hwaddr())
    parts.setdefault("type", "veth")
    return rendered(guests.files, key, parts)


def _archive(guests: Guests, template: str) -> str:
    """The template's path; PVE's texts when it is not there."""
    if re.match(r"^[^/:]+:\S", template):
        found = volumes.find(guests.storages, template)
        path = guests.node.path(found.path)
        if not path.is_file():
            message = f"volume '{template}' does not exist"
            raise AnswerError(message)
        return str(path)
    path = guests.node.path(template)
    if not template.startswith("/") or not path.is_file():
        message = f"can't find file '{template}'"
        raise AnswerError(message)
    return str(path)


def _join_pool(job: Worker, vmid: int, pool: str | None) -> None:
    if pool:
        with store.changing(job.node) as data:
            data["pools"][pool].setdefault("vms", []).append(vmid)
