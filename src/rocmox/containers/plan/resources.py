"""What new, growing and moved containers need of the node: bridges, storages, space."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rocmox.containers.current.node import CurrentContainer, CurrentNode, needs_resources
from rocmox.containers.current.properties import disk_size_gib
from rocmox.containers.spec.container import ContainerSpec
from rocmox.containers.spec.problems import Problem
from rocmox.units import format_bytes

_GIB = 1 << 30


def resource_problems(specs: Sequence[ContainerSpec], current: CurrentNode, *, overcommit: bool) -> list[Problem]:
    """Missing bridges and storages, and not enough space for new and growing disks."""
    problems = []
    needed: dict[str, int] = {}
    for spec in specs:
        if not needs_resources(spec, current.containers.get(spec.vmid)):
            continue
        if spec.bridge not in current.bridges:
            remedy = f"Bridges of {current.name}: {', '.join(sorted(current.bridges)) or 'none'}."
            remedy += _hidden(current, "SDN.Use on the bridge")
            problems.append(
                Problem(where=spec.field("bridge"), what=f"the node has no bridge {spec.bridge}", remedy=remedy)
            )
        problem = _storage_problem(spec, current)
        if problem:
            problems.append(problem)
            continue
        needed[spec.storage] = needed.get(spec.storage, 0) + _new_bytes(spec, current.containers.get(spec.vmid))
    return problems + ([] if overcommit else _space_problems(needed, current))


def _hidden(current: CurrentNode, privilege: str) -> str:
    return "" if current.sees_everything else f" This account sees what it may use: {privilege}."


def _storage_problem(spec: ContainerSpec, current: CurrentNode) -> Problem | None:
    fitting = sorted(name for name, found in current.storages.items() if "rootdir" in found.content and found.active)
    remedy = f"Storages of {current.name} for containers: {', '.join(fitting) or 'none'}."
    remedy += _hidden(current, f"Datastore.AllocateSpace on /storage/{spec.storage}")
    storage = current.storages.get(spec.storage)
    if storage is None:
        what = f"the node has no enabled storage {spec.storage}"
    elif "rootdir" not in storage.content:
        what = f"the storage {spec.storage} takes no container disks (content rootdir)"
    elif not storage.active:
        what = f"the storage {spec.storage} is not active"
    else:
        return None
    return Problem(where=spec.field("storage"), what=what, remedy=remedy)


def _new_bytes(spec: ContainerSpec, container: CurrentContainer | None) -> int:
    present = disk_size_gib(container.config.get("rootfs", "")) if container else 0
    return max(0, spec.disk_gib - (present or 0)) * _GIB


def _space_problems(needed: Mapping[str, int], current: CurrentNode) -> list[Problem]:
    problems = []
    for name, wanted_bytes in needed.items():
        available = current.storages[name].available_bytes
        if wanted_bytes and available is not None and wanted_bytes > available:
            what = f"the new disks need {format_bytes(wanted_bytes)}, {format_bytes(available)} are free"
            remedy = (
                "Lower disk_gib, free space, choose another storage, or allow thin disks to promise more than there "
            )
            remedy += "is (gpu_container_allow_overcommit)."
            problems.append(Problem(where=f"storage {name}", what=what, remedy=remedy))
    return problems
