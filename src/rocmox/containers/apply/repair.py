"""Follows cards that changed their numbers, on the node itself, before its containers start. Standard library only.

Nothing but the paths of GPU devices in containers of ours is changed; group ids are those the configuration has.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence

from rocmox.containers.apply.stored_specs import StoredSpec
from rocmox.containers.current.cards import NodeCard
from rocmox.containers.current.devices import gpu_devices, remembered_groups
from rocmox.containers.current.node import CurrentContainer, read_container
from rocmox.containers.plan.cards import choose, desired_devices
from rocmox.containers.plan.device_changes import bind_groups, change_devices
from rocmox.containers.plan.steps import UpdateConfig
from rocmox.containers.spec.container import ContainerSpec
from rocmox.errors import RocmoxError
from rocmox.proxmox import Api, Node, lxc

_PAUSE_SECONDS = 1.0
_NO_QUORUM = "no quorum"  # PVE::Cluster::check_cfs_quorum


@dataclasses.dataclass(frozen=True, kw_only=True)
class Repair:
    """What became of one container: `step` is what had to change, `problem` why nothing could be done."""

    vmid: int
    step: UpdateConfig | None = None
    problem: str = ""


def await_cards(
    read_cards: Callable[[], tuple[NodeCard, ...]],
    stored: Sequence[StoredSpec],
    *,
    wait_seconds: float,
    now: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[NodeCard, ...]:
    """The cards, once every desired one has its driver or the time is up: at boot a driver may still be loading."""
    deadline = now() + wait_seconds
    while True:
        cards = read_cards()
        if now() >= deadline or not any(choose(entry.spec, cards)[1] for entry in stored):
            return cards
        sleep(_PAUSE_SECONDS)


def plan_repair(spec: ContainerSpec, container: CurrentContainer | None, cards: Sequence[NodeCard]) -> Repair:
    """The change of device paths one container needs, if any."""
    if container is None or not container.is_ours or not gpu_devices(container.config):
        return Repair(vmid=spec.vmid)
    chosen, problems = choose(spec, cards)
    if problems:
        return Repair(vmid=spec.vmid, problem=str(problems[0]))
    desired = desired_devices(chosen)
    if {device.path for device in desired} == {device.path for device in gpu_devices(container.config).values()}:
        return Repair(vmid=spec.vmid)
    groups = remembered_groups(container.config)
    if groups is None:
        return Repair(vmid=spec.vmid, problem="its devices have no group ids to keep; run `rocmox containers apply`")
    changes = change_devices(container.config, bind_groups(desired, groups))
    step = UpdateConfig(vmid=spec.vmid, changes=changes.changes, delete=changes.delete, digest=container.digest)
    return Repair(vmid=spec.vmid, step=step)


def repair(
    api: Api,
    stored: Sequence[StoredSpec],
    cards: Sequence[NodeCard],
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
    for entry in stored:
        node = Node(api=api, name=entry.node)
        done = _repair_one(node, entry.spec, cards, dry_run=dry_run)
        while _NO_QUORUM in done.problem and now() < deadline:
            sleep(_PAUSE_SECONDS)
            done = _repair_one(node, entry.spec, cards, dry_run=dry_run)
        repairs.append(done)
    return tuple(repairs)


def _repair_one(node: Node, spec: ContainerSpec, cards: Sequence[NodeCard], *, dry_run: bool) -> Repair:
    try:
        planned = plan_repair(spec, read_container(node, spec.vmid), cards)
        if planned.step and not dry_run:
            step = planned.step
            lxc.update(node, step.vmid, changes=step.changes, delete=step.delete, digest=step.digest)
    except RocmoxError as error:
        return Repair(vmid=spec.vmid, problem=str(error))
    return planned
