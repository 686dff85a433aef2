"""Which existing containers of the list become rocmox's: those get our tag, and nothing else changes."""

from __future__ import annotations

from collections.abc import Sequence

from rocmox.containers.current.node import TAG, CurrentContainer, read_containers
from rocmox.containers.current.properties import parse_tags
from rocmox.containers.current.survey import check_node
from rocmox.containers.plan.privileges import lacking_problems
from rocmox.containers.plan.steps import AdoptContainer
from rocmox.containers.spec.container import ContainerSpec
from rocmox.containers.spec.problems import Problem, refuse_if_any
from rocmox.proxmox import Node

_NEEDED = {"VM.Audit", "VM.Config.Options"}


def plan_adoption(node: Node, specs: Sequence[ContainerSpec]) -> tuple[AdoptContainer, ...]:
    """One step for each listed container without our tag. RefusedError when one is not what the list says it is."""
    found = read_containers(node, check_node(node), [spec.vmid for spec in specs])
    steps = []
    problems: list[Problem] = []
    for spec in specs:
        container = found.get(spec.vmid)
        if container is None or container.is_ours:
            continue
        problems += _obstacles(spec, container)
        tags = ";".join(sorted({*parse_tags(container.config.get("tags", "")), TAG}))
        steps.append(AdoptContainer(vmid=spec.vmid, hostname=spec.hostname, tags=tags, digest=container.digest))
    refuse_if_any(problems + lacking_problems(node, {f"/vms/{step.vmid}": _NEEDED for step in steps}))
    return tuple(steps)


def _obstacles(spec: ContainerSpec, container: CurrentContainer) -> list[Problem]:
    """A mistyped VMID must not hand somebody's container over: the name has to agree."""
    problems = []
    name = container.config.get("hostname", "")
    if name != spec.hostname:
        what = f"container {spec.vmid} is called {name!r}; a container is adopted under its own name alone"
        remedy = f"If it is the one, write `hostname: {name}`; a later run may rename it." if name else ""
        problems.append(Problem(where=spec.field("hostname"), what=what, remedy=remedy or "Name the container first."))
    if container.config.get("template") == "1":
        what = f"container {spec.vmid} is a template"
        problems.append(Problem(where=spec.field("vmid"), what=what, remedy="Clone it, and adopt the clone."))
    if container.lock:
        what = f"the container is locked ({container.lock}): something else is working on it"
        remedy = f"Wait for that task; if none runs any more: `pct unlock {spec.vmid}`."
        problems.append(Problem(where=spec.field("vmid"), what=what, remedy=remedy))
    return problems
