"""Change a configuration: PUT …/config (update_vm of PVE::API2::LXC::Config)."""

from __future__ import annotations

import dataclasses

from rocmox_lab.pve import values
from rocmox_lab.pve.answers import AnswerError, BadParameterError
from rocmox_lab.pve.call import Call
from rocmox_lab.pve.formats import split_list
from rocmox_lab.pve.guests import pending
from rocmox_lab.pve.guests.config import GuestConfig
from rocmox_lab.pve.guests.create import complete_network
from rocmox_lab.pve.guests.disks import Disks
from rocmox_lab.pve.guests.rights import OptionRights
from rocmox_lab.pve.guests.service import Guests
from rocmox_lab.pve.tasks import TaskId
from rocmox_lab.pve.worker import Worker

REQUIRED = {"rootfs", "arch", "ostype"}
READ_ONLY = {"unprivileged", "template"}
LOCK_WAIT_SECONDS = 10


@dataclasses.dataclass(frozen=True, kw_only=True)
class Change:
    """What one call asks for."""

    wanted: dict[str, str]
    delete: list[str]
    revert: list[str]


def update(call: Call) -> None:
    """Check, put into pending, then apply what can be applied now."""
    guests = Guests(call.node)
    wanted = {key: str(value) for key, value in call.parameters.items() if key not in {"node", "vmid"}}
    digest = wanted.pop("digest", None)
    delete = split_list(wanted.pop("delete", ""))
    revert = split_list(wanted.pop("revert", ""))
    if not wanted and not delete and not revert:
        message = "no options specified\n"
        raise AnswerError(message)
    _check_keys(guests, wanted, delete, revert)
    found = guests.files.load(call.vmid)
    rights = OptionRights(call.rights, call.user, call.vmid, guests.files)
    rights.check(wanted, delete=delete, old=found.values, unprivileged=found.flag("unprivileged"))
    guests.check_devices({key: value for key, value in wanted.items() if key not in delete})
    with guests.locked(call.vmid, timeout_seconds=LOCK_WAIT_SECONDS):
        config = guests.files.load(call.vmid)
        guests.check_lock(config)
        _check_digest(config, digest)
        _note(call, guests, config, Change(wanted=wanted, delete=delete, revert=revert))
        _carry_out(guests, call.vmid, config, wanted)


def _check_keys(guests: Guests, wanted: dict[str, str], delete: list[str], revert: list[str]) -> None:
    for name, keys in (("delete", delete), ("revert", revert)):
        for key in keys:
            if guests.files.options.property_of(key) is None:
                raise BadParameterError({name: f"unknown option '{key}'"})
    for key in delete:
        if key in wanted:
            raise BadParameterError({"delete": f"you can't use '-{key}' and -delete {key}' at the same time"})


def _check_digest(config: GuestConfig, digest: str | None) -> None:
    if digest and digest != config.digest:
        message = "detected modified configuration - file changed by other user? Try again.\n"
        raise AnswerError(message)


def _note(call: Call, guests: Guests, config: GuestConfig, change: Change) -> None:
    """Everything asked for stands in the pending section afterwards."""
    for key in change.revert:
        config.pending.values.pop(key, None)
        if key in config.delete:
            config.delete.remove(key)
    for key in change.delete:
        if key in REQUIRED:
            message = f"unable to delete required option '{key}'\n"
            raise AnswerError(message)
        _check_writable(key)
        config.pending.values.pop(key, None)
        if key in config.values and key not in config.delete:
            config.delete.append(key)
    for key, value in change.wanted.items():
        _check_writable(key)
        stored = _stored(call, guests, config, key, value)
        if key in config.delete:
            config.delete.remove(key)
        if pending.same(config.values.get(key), stored):
            config.pending.values.pop(key, None)
        else:
            config.pending.values[key] = stored


def _check_writable(key: str) -> None:
    if key in READ_ONLY:
        message = f"unable to modify read-only option: '{key}'\n"
        raise AnswerError(message)


def _stored(call: Call, guests: Guests, config: GuestConfig, key: str, value: str) -> str:
    """The value as it stands in the file."""
    if key == "description":
        return value.rstrip("\n") + "\n" if value else value
    if key.startswith("net"):
        return complete_network(guests, key, value, old=config.values.get(key) if guests.running(call.vmid) else None)
    if key == "rootfs" or key.startswith("mp"):
        disks = Disks(_silent(call), guests, call.vmid, unprivileged=config.flag("unprivileged"))
        return disks.allocate(key, value, default_storage="local")
    entry = guests.files.options.property_of(key) or {}
    if entry.get("type") == "boolean":
        return str(int(values.is_true(value)))
    return value


def _silent(call: Call) -> Worker:
    """Allocation outside of a task writes no log."""
    task = TaskId(upid="", node=call.node.name, pid=0, pstart=0, starttime=0, type="", id="", user=call.user)
    return Worker(node=call.node, user=call.user, arguments={}, log=lambda _line: None, task=task, spawn=call.spawn)


def _carry_out(guests: Guests, vmid: int, config: GuestConfig, wanted: dict[str, str]) -> None:
    guests.files.save(vmid, config)
    if guests.running(vmid):
        pending.HotPlug(guests, vmid, config).run()
        return
    changed = {key: config.pending.values[key] for key in wanted if key in config.pending.values}
    guests.check_bridges(changed)
    pending.apply(guests, vmid, config)
