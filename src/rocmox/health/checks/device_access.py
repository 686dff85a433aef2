"""The devices passed to this container can be opened by the user who computes, and no others can.

The open itself tells the reasons apart (see `probes/device_access.py`). What should be there comes from the node
(`--host-facts`, `--vmid`); without that, the container's own /dev/kfd and /dev/dri are tried.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from rocmox.errors import CannotLookError
from rocmox.facts.container_config import PassedDevice
from rocmox.gpu.inventory import Passthrough
from rocmox.health.access import Attempt, Guest, judge_absent, judge_passed
from rocmox.health.context import Context, Identity
from rocmox.health.device_lines import is_on_node, judge_gone, judge_lacking
from rocmox.health.probes.run import run_probe
from rocmox.health.result import Result, not_applicable

LEVEL = 1
_CHECK = "device_access"
_KFD = "/dev/kfd"
_DRI = "/dev/dri"


def run(context: Context) -> Iterator[Result]:
    """One result per passed device, one per card that is not passed."""
    if context.passthrough is None and not context.is_container:
        yield not_applicable(_CHECK, context.machine.name, "this machine is not a container")
        return
    passed = context.passthrough.devices if context.passthrough else _found_here(context)
    passed = tuple(device for device in passed if device.path == _KFD or device.path.startswith(f"{_DRI}/"))
    absent = sorted(set(_others(context)) - {device.path for device in passed})
    if not passed and not absent:
        yield not_applicable(_CHECK, context.machine.name, "no GPU device is passed to this container")
        return
    gone = tuple(device for device in passed if context.passthrough and not is_on_node(device, context.passthrough))
    for device in gone:
        yield judge_gone(device, cast("Passthrough", context.passthrough))
    there = tuple(device for device in passed if device not in gone)
    for identity in context.identities:
        yield from _try_as(identity, there, absent, context)


def _try_as(
    identity: Identity, passed: tuple[PassedDevice, ...], absent: list[str], context: Context
) -> Iterator[Result]:
    paths = [*(device.path for device in passed), *absent]
    question = {"user": identity.user, "groups": identity.groups, "paths": paths}
    answer = run_probe(context.machine, "device_access", question)
    if "refused" in answer:
        raise CannotLookError(answer["refused"], remedy="Name an existing user by --device-user, and run this as root.")
    guest = Guest.from_answer(answer, context.passthrough)
    attempts = {entry["path"]: Attempt.from_answer(entry) for entry in answer["devices"]}
    for device in passed:
        yield judge_passed(device, attempts[device.path], guest)
    for path in absent:
        yield judge_absent(attempts[path], guest)
    if context.passthrough:
        yield from judge_lacking(passed, guest.group_ids, context.passthrough)


def _others(context: Context) -> tuple[str, ...]:
    return context.passthrough.card_nodes if context.passthrough else ()


def _found_here(context: Context) -> tuple[PassedDevice, ...]:
    paths = [_KFD] if context.machine.exists(_KFD) else []
    if context.machine.exists(_DRI):
        names = context.machine.list_directory(_DRI)
        paths += [f"{_DRI}/{name}" for name in names if name.startswith(("card", "renderD"))]
    return tuple(PassedDevice(key="", path=path) for path in paths)
