"""Everything that can be known to fail is found here, before anything is changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rocmox.containers.current.node import TAG, CurrentContainer, CurrentNode
from rocmox.containers.current.properties import disk_size_gib, disk_storage
from rocmox.containers.spec.container import ContainerSpec
from rocmox.containers.spec.problems import Problem


def ownership_problems(specs: Sequence[ContainerSpec], current: CurrentNode) -> list[Problem]:
    """VMIDs that belong to somebody else, locks, and changes that PVE cannot make to an existing container."""
    return [problem for spec in specs for problem in _one_owner(spec, current)]


def _one_owner(spec: ContainerSpec, current: CurrentNode) -> list[Problem]:
    container = current.containers.get(spec.vmid)
    if container is not None:
        return _existing_problems(spec, container)
    guest = current.guests.get(spec.vmid)
    if guest is None and spec.vmid not in current.unseen:
        return []
    taken_by = f"{guest.kind} {guest.name!r} on node {guest.node}" if guest else "a guest this account may not see"
    what = f"VMID {spec.vmid} is taken by {taken_by}; rocmox leaves it alone"
    return [Problem(where=spec.field("vmid"), what=what, remedy="Choose a free VMID (`pvesh get /cluster/nextid`).")]


def _existing_problems(spec: ContainerSpec, container: CurrentContainer) -> list[Problem]:
    if container.is_being_created:
        return []
    if not container.is_ours:
        name = container.config.get("hostname", "without a name")
        what = (
            f"VMID {spec.vmid} is taken by the container {name!r}, which does not carry the tag {TAG!r}; "
            "rocmox changes only its own"
        )
        remedy = (
            "Choose a free VMID. If the container is to become rocmox's: `rocmox containers adopt`, or "
            "gpu_container_state: adopted."
        )
        return [Problem(where=spec.field("vmid"), what=what, remedy=remedy)]
    problems = []
    if container.config.get("template") == "1":
        what = f"VMID {spec.vmid} is a template, and a template never runs"
        problems.append(Problem(where=spec.field("vmid"), what=what, remedy="Choose a free VMID."))
    if container.lock:
        what = f"the container is locked ({container.lock}): something else is working on it"
        remedy = f"Wait for that task; if none runs any more: `pct unlock {spec.vmid}`."
        problems.append(Problem(where=spec.field("vmid"), what=what, remedy=remedy))
    return problems + _unchangeable(spec, container.config)


def _unchangeable(spec: ContainerSpec, config: Mapping[str, str]) -> list[Problem]:
    """Changes that need a new container: kind, storage, a smaller disk."""
    problems = []
    if spec.unprivileged != (config.get("unprivileged", "0") == "1"):
        is_now = "unprivileged" if config.get("unprivileged", "0") == "1" else "privileged"
        what = f"the container is {is_now}, and Proxmox VE cannot change that"
        remedy = "Remove the container (playbooks/remove_site.yml) and create it anew, or correct the inventory."
        problems.append(Problem(where=spec.field("unprivileged"), what=what, remedy=remedy))
    rootfs = config.get("rootfs", "")
    if disk_storage(rootfs) not in {"", spec.storage}:
        what = f"the root disk lies on {disk_storage(rootfs)}; rocmox does not move disks"
        remedy = f"`pct move-volume {spec.vmid} rootfs {spec.storage}` on the node moves it; or correct the inventory."
        problems.append(Problem(where=spec.field("storage"), what=what, remedy=remedy))
    size = disk_size_gib(rootfs)
    if size is not None and size > spec.disk_gib:
        what = f"the root disk has {size} GiB, and disks only grow"
        remedy = f"Set disk_gib to {size} or more."
        problems.append(Problem(where=spec.field("disk_gib"), what=what, remedy=remedy))
    return problems
