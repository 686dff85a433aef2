"""What `rocmox lab status` tells: the state as it was set up, and what holds of it right now."""

from __future__ import annotations

import dataclasses
from typing import Any

from rocmox.machine import Machine
from rocmox_lab import node
from rocmox_lab.namespace import namespace_exists
from rocmox_lab.services import ServiceAnswers, ask_services
from rocmox_lab.settings import LabPlaces
from rocmox_lab.state import LabState, read_state


@dataclasses.dataclass(frozen=True, kw_only=True)
class LabStatus:
    """`state` is None when there is no such lab."""

    name: str
    state: LabState | None
    namespace: bool
    node_pid: int | None
    services: ServiceAnswers

    @property
    def up(self) -> bool:
        return self.node_pid is not None and self.services.all

    def as_document(self) -> dict[str, Any]:
        """For `--json`: the keys of `state.json`, and what was looked at now."""
        state = dataclasses.asdict(self.state) if self.state else {"schema_version": 1, "name": self.name}
        return {
            **state,
            "exists": self.state is not None,
            "up": self.up,
            "node_pid": self.node_pid,
            "namespace_alive": self.namespace,
            "services": dataclasses.asdict(self.services),
        }


def read_status(machine: Machine, name: str) -> LabStatus:
    """Look at the lab; CannotLookError when its state is unreadable."""
    state = read_state(name)
    places = LabPlaces(name=name)
    pid = node.node_pid(machine, places) if state else None
    nobody = ServiceAnswers(ssh=False, api=False, mirror=False)
    return LabStatus(
        name=name,
        state=state,
        namespace=namespace_exists(machine, places),
        node_pid=pid,
        services=ask_services(state) if state and pid else nobody,
    )
