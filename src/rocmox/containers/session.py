"""Plans and applies for one node of an inventory, with the node reached over SSH for what its API does not tell."""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path
from typing import Any

from rocmox.containers.ansible_entry import node_from, options_from
from rocmox.containers.apply import Outcome, apply_site, pending_warnings
from rocmox.containers.devices import GroupIds
from rocmox.containers.inventory import InventoryHost
from rocmox.containers.node_facts import read_cards, read_group_ids
from rocmox.containers.options import Options
from rocmox.containers.preflight import check_node
from rocmox.containers.site import SitePlan, plan_site
from rocmox.containers.spec import parse_specs
from rocmox.errors import MachineError, RocmoxError
from rocmox.machine import Machine
from rocmox.machine.ssh import SshMachine
from rocmox.proxmox import Node, lxc
from rocmox.zipapp_builder import build


@dataclasses.dataclass(frozen=True, kw_only=True)
class Session:
    """One node, its plan, and the ways to it."""

    host: str
    node: Node
    machine: Machine
    options: Options
    plan: SitePlan

    def apply(self) -> Outcome:
        """Carry the plan out, group ids read in the guests as they come up. RocmoxError when some cannot be read."""

        def read(vmid: int) -> GroupIds | None:
            return read_group_ids(self.machine, vmid, create=True)

        outcome = apply_site(self.node, self.plan, self.options, read)
        if outcome.awaiting_group_ids:
            guests = ", ".join(map(str, outcome.awaiting_group_ids))
            raise RocmoxError(
                f"the guests {guests} run without their devices: their groups render and video cannot be read",
                remedy=f"`lxc-attach -n VMID -- getent group render video` on {self.node.name} shows why.",
            )
        return outcome

    def warnings(self) -> list[str]:
        """What a policy without restarts leaves undone."""
        found = [container.current for container in self.plan.containers if container.current]
        return pending_warnings(found, self.plan.rules)


def open_session(host: InventoryHost) -> Session:
    """Read the node and plan. Raises RefusedError with every reason before anything is changed."""
    parameters: dict[str, Any] = host.parameters()
    specs = parse_specs(parameters["containers"])
    destination, ssh_options = host.destination()
    machine = SshMachine(destination, options=ssh_options)
    node = node_from(parameters)
    check_node(node)
    running = [vmid for vmid, status in lxc.list_status(node).items() if status == "running"]
    groups = {spec.vmid: _known(machine, spec.vmid) for spec in specs if spec.gpus and spec.vmid in running}
    with tempfile.TemporaryDirectory() as folder:
        zipapp = Path(folder) / "rocmox.pyz"
        build(zipapp)
        cards = read_cards(machine, zipapp=zipapp, gpu_root=str(parameters.get("gpu_root") or "/"))
    options = options_from(parameters)
    known = {vmid: ids for vmid, ids in groups.items() if ids}
    plan = plan_site(node, specs, cards, known, options)
    return Session(host=host.name, node=node, machine=machine, options=options, plan=plan)


def _known(machine: Machine, vmid: int) -> GroupIds | None:
    try:
        return read_group_ids(machine, vmid)
    except MachineError:
        return None
