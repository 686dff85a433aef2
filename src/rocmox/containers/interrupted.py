"""What an interrupted run leaves on the node: a creation task that goes on by itself."""

from __future__ import annotations

from rocmox.containers.current import CurrentNode
from rocmox.containers.problems import Problem
from rocmox.containers.steps import WaitForCreation
from rocmox.proxmox import Node, tasks


def creations_under_way(node: Node, current: CurrentNode) -> tuple[dict[int, WaitForCreation], list[Problem]]:
    """Containers that hold only `lock: create`.

    The tag is not there yet. A running creation task of this very account is what an interrupted run of ours leaves:
    it is waited for, and what it made is judged by its tag. Anything else is not ours to touch.
    """
    waits = {}
    problems = []
    for vmid in [vmid for vmid, found in current.containers.items() if found.is_being_created]:
        running = [task for task in tasks.active(node, vmid) if task.type in {"vzcreate", "vzrestore"}]
        own = [task for task in running if task.type == "vzcreate" and task.user == node.api.account_name]
        if own:
            waits[vmid] = WaitForCreation(vmid=vmid, upid=own[0].upid)
        elif running:
            what = f"{running[0].user} is creating it at this moment ({running[0].type})"
            problems.append(Problem(where=f"vmid {vmid}", what=what, remedy="Choose a free VMID."))
        else:
            what = "a creation was cut off (lock: create, nothing else, no task): the node went down meanwhile"
            remedy = (
                f"It holds no data of a guest. On the node: `pct unlock {vmid} && pct destroy {vmid}`; then run again."
            )
            problems.append(Problem(where=f"vmid {vmid}", what=what, remedy=remedy))
    return waits, problems
