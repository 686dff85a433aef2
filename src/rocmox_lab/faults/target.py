"""The node a fault is set on: where its files are on this machine, and how to run a command in it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from rocmox.errors import RefusedError
from rocmox.machine import Completed, Machine
from rocmox_lab import node
from rocmox_lab.settings import LabPlaces
from rocmox_lab.state import read_state


class RunInNode(Protocol):
    """Runs a command as root in the node; the caller looks at the exit status (`.check()` raises)."""

    def __call__(self, argv: Sequence[str], *, stdin: bytes | None = None) -> Completed: ...


@dataclasses.dataclass(frozen=True, kw_only=True)
class FaultTarget:
    """One node that can be broken."""

    node_state: Path
    """`/var/lib/rocmox-lab` of the node, as it is found on this machine; it survives the node's reboots."""
    run: RunInNode

    @property
    def gpu_tree(self) -> Path:
        """The constructed cards (`/sys`, `/proc`, firmware) that the node's GPU tools read."""
        return self.node_state / "gpus"

    @property
    def faults(self) -> Path:
        """The records of the faults that are set; the node reads its orders and counts firings here."""
        return self.node_state / "faults"


def target_of_lab(machine: Machine, name: str) -> FaultTarget:
    """A running lab's node; RefusedError when there is none."""
    places = LabPlaces(name=name)
    if not lab_runs(machine, name):
        raise RefusedError(f"the lab {name} does not run", remedy=f"`rocmox lab up --name {name}` starts it.")

    def run(argv: Sequence[str], *, stdin: bytes | None = None) -> Completed:
        return node.run_in_node(machine, places, argv, stdin=stdin)

    return FaultTarget(node_state=places.gpu_tree.parent, run=run)


def lab_runs(machine: Machine, name: str) -> bool:
    """Whether there is a node to break."""
    return read_state(name) is not None and node.node_pid(machine, LabPlaces(name=name)) is not None
