"""What is taken away of what the site made: containers that are in the inventory and carry our tag, nothing else."""

from __future__ import annotations

from collections.abc import Sequence

from rocmox.containers.current.node import TAG, CurrentContainer, read_containers
from rocmox.containers.current.survey import check_node
from rocmox.containers.plan.privileges import lacking_problems
from rocmox.containers.plan.steps import DestroyContainer
from rocmox.containers.spec.container import ContainerSpec
from rocmox.containers.spec.problems import Problem, refuse_if_any
from rocmox.proxmox import Node

_NEEDED = {"VM.Audit", "VM.Allocate", "VM.PowerMgmt"}


def plan_removal(node: Node, specs: Sequence[ContainerSpec]) -> tuple[tuple[DestroyContainer, ...], tuple[str, ...]]:
    """What would be destroyed, and what is left alone and why. RefusedError when a container of ours is protected."""
    found = read_containers(node, check_node(node), [spec.vmid for spec in specs])
    steps = []
    left = []
    problems: list[Problem] = []
    for spec in specs:
        container = found.get(spec.vmid)
        if container is None:
            continue
        if not container.is_ours:
            name = container.config.get("hostname", "without a name")
            left.append(f"container {spec.vmid} ({name}) does not carry the tag {TAG!r}: left alone")
            continue
        problems += _obstacles(spec, container)
        steps.append(DestroyContainer(vmid=spec.vmid, hostname=container.config.get("hostname", spec.hostname)))
    refuse_if_any(problems + lacking_problems(node, {f"/vms/{step.vmid}": _NEEDED for step in steps}))
    return tuple(steps), tuple(left)


def _obstacles(spec: ContainerSpec, container: CurrentContainer) -> list[Problem]:
    problems = []
    if container.config.get("protection") == "1":
        remedy = f"If it may go: `pct set {spec.vmid} --protection 0`."
        problems.append(Problem(where=spec.field("vmid"), what="the container is protected", remedy=remedy))
    if container.lock:
        remedy = f"Wait for that task; if none runs any more: `pct unlock {spec.vmid}`."
        what = f"the container is locked ({container.lock})"
        problems.append(Problem(where=spec.field("vmid"), what=what, remedy=remedy))
    return problems
