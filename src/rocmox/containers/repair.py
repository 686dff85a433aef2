"""Follows cards that changed their numbers, on the node itself, before its containers start. Standard library only.

Nothing but the paths of GPU devices in containers of ours is changed; group ids are those the configuration has.
"""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rocmox.containers.cards import Card, choose, wished_devices
from rocmox.containers.current import CurrentContainer, read_container
from rocmox.containers.devices import bind_groups, change_devices, gpu_devices, remembered_groups
from rocmox.containers.spec import ContainerSpec, parse_specs
from rocmox.containers.steps import UpdateConfig
from rocmox.errors import RocmoxError, UsageError
from rocmox.machine import Machine
from rocmox.proxmox import Api, Node, lxc

SCHEMA_VERSION = 1
_PAUSE_SECONDS = 1.0
_NO_QUORUM = "no quorum"  # PVE::Cluster::check_cfs_quorum


@dataclasses.dataclass(frozen=True, kw_only=True)
class StoredWish:
    """What the role leaves on the node for one container."""

    node: str
    spec: ContainerSpec


@dataclasses.dataclass(frozen=True, kw_only=True)
class Repair:
    """What became of one container: `step` is what had to change, `problem` why nothing could be done."""

    vmid: int
    step: UpdateConfig | None = None
    problem: str = ""


def wish_document(node: str, entry: Mapping[str, Any]) -> str:
    """One stored wish as the role writes it (`to_nice_json`), byte for byte: a second writer changes nothing."""
    document = {"schema_version": SCHEMA_VERSION, "node": node, "container": entry}
    return json.dumps(document, indent=4, sort_keys=True) + "\n"


def read_wishes(machine: Machine, directory: str) -> tuple[tuple[StoredWish, ...], tuple[str, ...]]:
    """The wishes with cards in a directory of `VMID.json`, and what is wrong with files that hold none."""
    wishes = []
    problems = []
    try:
        names = [name for name in machine.list_directory(directory) if name.endswith(".json")]
    except OSError as error:
        raise UsageError(
            f"{directory} holds no wishes: {error.strerror}",
            remedy="The role gpu_container writes them (gpu_container_repair_at_boot).",
        ) from error
    for name in names:
        try:
            wish = _read_wish(machine.read_bytes(f"{directory}/{name}"))
        except (OSError, ValueError, KeyError, TypeError, RocmoxError) as error:
            problems.append(f"{directory}/{name} holds no wish: {error}")
            continue
        wishes += [wish] if wish.spec.gpus else []
    return tuple(wishes), tuple(problems)


def _read_wish(content: bytes) -> StoredWish:
    document: Any = json.loads(content)
    if document["schema_version"] != SCHEMA_VERSION:
        raise ValueError(f"schema_version is {document['schema_version']}, {SCHEMA_VERSION} is known")
    (spec,) = parse_specs([document["container"]])
    return StoredWish(node=str(document["node"]), spec=spec)


def await_cards(
    read_cards: Callable[[], tuple[Card, ...]],
    wishes: Sequence[StoredWish],
    *,
    wait_seconds: float,
    now: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[Card, ...]:
    """The cards, once every wished one has its driver or the time is up: at boot a driver may still be loading."""
    deadline = now() + wait_seconds
    while True:
        cards = read_cards()
        if now() >= deadline or not any(choose(wish.spec, cards)[1] for wish in wishes):
            return cards
        sleep(_PAUSE_SECONDS)


def plan_repair(spec: ContainerSpec, container: CurrentContainer | None, cards: Sequence[Card]) -> Repair:
    """The change of device paths one container needs, if any."""
    if container is None or not container.is_ours or not gpu_devices(container.config):
        return Repair(vmid=spec.vmid)
    chosen, problems = choose(spec, cards)
    if problems:
        return Repair(vmid=spec.vmid, problem=str(problems[0]))
    wished = wished_devices(chosen)
    if {device.path for device in wished} == {device.path for device in gpu_devices(container.config).values()}:
        return Repair(vmid=spec.vmid)
    groups = remembered_groups(container.config)
    if groups is None:
        return Repair(vmid=spec.vmid, problem="its devices have no group ids to keep; run `rocmox containers apply`")
    changes = change_devices(container.config, bind_groups(wished, groups))
    step = UpdateConfig(vmid=spec.vmid, changes=changes.changes, delete=changes.delete, digest=container.digest)
    return Repair(vmid=spec.vmid, step=step)


def repair(
    api: Api,
    wishes: Sequence[StoredWish],
    cards: Sequence[Card],
    *,
    dry_run: bool,
    wait_seconds: float = 0,
    now: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[Repair, ...]:
    """Every container in turn; what fails for one does not keep the others from being repaired.

    A node that boots into a cluster may not write before the others are there (quorum): that is waited for.
    """
    deadline = now() + wait_seconds
    repairs = []
    for wish in wishes:
        node = Node(api=api, name=wish.node)
        done = _repair_one(node, wish.spec, cards, dry_run=dry_run)
        while _NO_QUORUM in done.problem and now() < deadline:
            sleep(_PAUSE_SECONDS)
            done = _repair_one(node, wish.spec, cards, dry_run=dry_run)
        repairs.append(done)
    return tuple(repairs)


def _repair_one(node: Node, spec: ContainerSpec, cards: Sequence[Card], *, dry_run: bool) -> Repair:
    try:
        planned = plan_repair(spec, read_container(node, spec.vmid), cards)
        if planned.step and not dry_run:
            step = planned.step
            lxc.update(node, step.vmid, changes=step.changes, delete=step.delete, digest=step.digest)
    except RocmoxError as error:
        return Repair(vmid=spec.vmid, problem=str(error))
    return planned
