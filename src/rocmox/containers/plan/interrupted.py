"""What an interrupted run leaves on the node: a creation task that goes on by itself, or half a container."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from rocmox.containers.current.creations import CreationNotes
from rocmox.containers.current.node import CurrentNode
from rocmox.containers.plan.steps import RemoveHalfMade, WaitForCreation
from rocmox.containers.spec.container import ContainerSpec
from rocmox.containers.spec.problems import Problem
from rocmox.proxmox import Node, tasks


@dataclasses.dataclass(frozen=True, kw_only=True)
class Interrupted:
    """VMID → what is done about it first; and what nothing is done about, and why."""

    steps: Mapping[int, WaitForCreation | RemoveHalfMade]
    problems: Sequence[Problem]


def creations_under_way(
    node: Node, specs: Sequence[ContainerSpec], current: CurrentNode, journal: CreationNotes | None
) -> Interrupted:
    """Containers that hold only `lock: create`.

    The tag is not there yet. A running creation task of this very account is what an interrupted run of ours leaves:
    it is waited for, and what it made is judged by its tag. Without a task, the note that a run of ours left on the
    node tells that it is ours. Anything else is not ours to touch.
    """
    steps: dict[int, WaitForCreation | RemoveHalfMade] = {}
    problems = []
    half_made = [spec for spec in specs if _is_being_created(current, spec.vmid)]
    noted = journal.read([spec.vmid for spec in half_made]) if journal and half_made else {}
    for spec in half_made:
        vmid = spec.vmid
        running = [task for task in tasks.active(node, vmid) if task.type in {"vzcreate", "vzrestore"}]
        own = [task for task in running if task.type == "vzcreate" and task.user == node.api.account_name]
        if own:
            steps[vmid] = WaitForCreation(vmid=vmid, upid=own[0].upid)
        elif running:
            what = f"{running[0].user} is creating it at this moment ({running[0].type})"
            problems.append(Problem(where=spec.field("vmid"), what=what, remedy="Choose a free VMID."))
        elif vmid in noted:
            steps[vmid] = RemoveHalfMade(vmid=vmid, storage=spec.storage, since_seconds=noted[vmid])
        else:
            problems.append(_unknown_leftover(spec))
    return Interrupted(steps=steps, problems=problems)


def _is_being_created(current: CurrentNode, vmid: int) -> bool:
    found = current.containers.get(vmid)
    return found is not None and found.is_being_created


def _unknown_leftover(spec: ContainerSpec) -> Problem:
    """Nobody can tell from the node whose it is; the user can."""
    return Problem(
        where=spec.field("vmid"),
        what="a creation was cut off (lock: create, nothing else, no task): the node went down meanwhile. Nothing on "
        "the node says that rocmox began it, so it is left alone",
        remedy=f"It holds no data of a guest. On the node: `pct unlock {spec.vmid} && pct destroy {spec.vmid} "
        f"--destroy-unreferenced-disks 1` (removes every disk of {spec.vmid} that no configuration names); then run "
        "again.",
    )
