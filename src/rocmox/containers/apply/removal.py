"""Destroys containers that carry our tag."""

from __future__ import annotations

from collections.abc import Sequence

from rocmox.containers.apply import operations
from rocmox.containers.current.node import TAG, read_container
from rocmox.containers.plan.steps import DestroyContainer
from rocmox.containers.spec.options import Options
from rocmox.errors import RefusedError
from rocmox.proxmox import Node


def remove(node: Node, steps: Sequence[DestroyContainer], options: Options) -> tuple[str, ...]:
    """Shut down and destroy; returns the tasks' warnings. The tag is looked at once more right before."""
    warnings: list[str] = []
    for step in steps:
        container = read_container(node, step.vmid)
        if container is None:
            continue
        if not container.is_ours:
            raise RefusedError(f"container {step.vmid} lost the tag {TAG!r} meanwhile; it is left alone")
        warnings += operations.shut_down(node, step.vmid, options)
        warnings += operations.destroy(node, step.vmid, options)
    return tuple(warnings)
