"""Puts our tag on existing containers; changes nothing else."""

from __future__ import annotations

from collections.abc import Sequence

from rocmox.containers.plan.steps import AdoptContainer
from rocmox.proxmox import Node, lxc


def adopt(node: Node, steps: Sequence[AdoptContainer]) -> None:
    """Set the tags, provided nobody changed the container meanwhile; a running container goes on undisturbed."""
    for step in steps:
        lxc.update(node, step.vmid, changes={"tags": step.tags}, delete=(), digest=step.digest)
