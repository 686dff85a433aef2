"""Plans, applies and adopts for one node of an inventory, with the node's shell for what its API does not tell."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from rocmox.containers.access import Access, open_access
from rocmox.containers.apply.adoption import adopt
from rocmox.containers.apply.guest_groups import ensure_group_ids
from rocmox.containers.apply.journal import CreationJournal
from rocmox.containers.apply.legacy_file import ConfigFiles, config_files
from rocmox.containers.apply.run import Outcome, apply_site
from rocmox.containers.apply.stored_specs import refresh_stored_spec, stored_document
from rocmox.containers.current.devices import GroupIds
from rocmox.containers.current.node_facts import read_cards, read_group_ids
from rocmox.containers.plan.adoption import plan_adoption
from rocmox.containers.plan.reminders import plan_warnings
from rocmox.containers.plan.site import ContainerPlan, SitePlan, legacy_containers, plan_site, survey_node
from rocmox.containers.plan.steps import AdoptContainer, Step
from rocmox.containers.spec.container import ContainerSpec, parse_specs
from rocmox.containers.spec.inventory import InventoryHost
from rocmox.containers.spec.options import Options, options_from
from rocmox.errors import MachineError, RefusedError, RocmoxError
from rocmox.machine import Machine
from rocmox.zipapp_builder import build


class Session(Protocol):
    """One node of an inventory: what is to be done there, and the doing."""

    @property
    def host(self) -> str:
        """The node's name in the inventory."""

    @property
    def access(self) -> Access:
        """The way in."""

    @property
    def steps(self) -> tuple[Step, ...]:
        """Everything that is to be done."""

    @property
    def foreseen(self) -> tuple[str, ...]:
        """What will have been done, in words."""

    @property
    def containers(self) -> tuple[ContainerPlan, ...]:
        """The plans whose difference can be shown."""

    @property
    def has_drifted(self) -> bool:
        """Whether the node is not as desired, whether a step can change that or not."""

    def warnings(self) -> list[str]:
        """What is left as it is."""

    def apply(self) -> Outcome:
        """Carry the steps out."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Comparison:
    """One node, its plan, and the ways to it."""

    host: str
    access: Access
    machine: Machine
    files: ConfigFiles | None
    options: Options
    plan: SitePlan
    stored: Mapping[int, str]
    """VMID → what the repair at boot goes by."""

    @property
    def steps(self) -> tuple[Step, ...]:
        return self.plan.steps

    @property
    def foreseen(self) -> tuple[str, ...]:
        return self.plan.foreseen

    @property
    def containers(self) -> tuple[ContainerPlan, ...]:
        return self.plan.containers

    @property
    def has_drifted(self) -> bool:
        return bool(self.plan.steps or legacy_containers(self.plan))

    def warnings(self) -> list[str]:
        return plan_warnings(self.plan)

    def apply(self) -> Outcome:
        def read(vmid: int) -> GroupIds | None:
            return ensure_group_ids(self.machine, vmid)

        outcome = apply_site(self.access.node, self.plan, self.options, read, self.files, CreationJournal(self.machine))
        for vmid, document in self.stored.items():
            refresh_stored_spec(self.machine, vmid, document)
        if outcome.awaiting_group_ids:
            guests = ", ".join(map(str, outcome.awaiting_group_ids))
            raise RocmoxError(
                f"the guests {guests} run without their devices: their groups render and video cannot be read",
                remedy=f"`lxc-attach -n VMID -- getent group render video` on {self.access.node.name} shows why.",
            )
        return outcome


@dataclasses.dataclass(frozen=True, kw_only=True)
class Adoption:
    """One node and the containers of its list that are to become ours."""

    host: str
    access: Access
    steps: tuple[AdoptContainer, ...]
    containers: tuple[ContainerPlan, ...] = ()
    has_drifted: bool = False

    @property
    def foreseen(self) -> tuple[str, ...]:
        return tuple(map(str, self.steps))

    def warnings(self) -> list[str]:
        return []

    def apply(self) -> Outcome:
        adopt(self.access.node, self.steps)
        return Outcome(done=tuple(str(step) for step in self.steps), warnings=(), awaiting_group_ids=())


def open_adoption(host: InventoryHost) -> Adoption:
    """Read the node; RefusedError when a listed container is not what the list says."""
    parameters, specs = _desired(host)
    access = open_access(parameters)
    return Adoption(host=host.name, access=access, steps=plan_adoption(access.node, specs))


def open_comparison(host: InventoryHost, *, migrate_legacy: bool) -> Comparison:
    """Read the node and plan. Raises RefusedError with every reason before anything is changed."""
    parameters, specs = _desired(host)
    access = open_access(parameters)
    if access.machine is None:
        raise RefusedError(
            f"{host.name}: the cards are read on the node, and nothing says how to reach it",
            remedy="Set ansible_host and ansible_user: root in the inventory.",
        )
    current = survey_node(access.node, specs)
    running = [vmid for vmid, found in current.containers.items() if found.running]
    groups = {spec.vmid: _known(access.machine, spec.vmid) for spec in specs if spec.gpus and spec.vmid in running}
    with tempfile.TemporaryDirectory() as folder:
        zipapp = Path(folder) / "rocmox.pyz"
        build(zipapp)
        cards = read_cards(access.machine, zipapp=zipapp, gpu_root=str(parameters.get("gpu_root") or "/"))
    options = options_from(parameters | ({"migrate_legacy": True} if migrate_legacy else {}))
    known = {vmid: ids for vmid, ids in groups.items() if ids}
    journal = CreationJournal(access.machine)
    plan = plan_site(access.node, specs, cards, known, options, current=current, journal=journal)
    files = config_files(plan, access.machine)
    entries = zip(specs, parameters["containers"], strict=True)
    stored = {spec.vmid: stored_document(access.node.name, entry) for spec, entry in entries if spec.gpus}
    return Comparison(
        host=host.name, access=access, machine=access.machine, files=files, options=options, plan=plan, stored=stored
    )


def _desired(host: InventoryHost) -> tuple[dict[str, Any], tuple[ContainerSpec, ...]]:
    parameters = host.parameters()
    return parameters, parse_specs(parameters["containers"])


def _known(machine: Machine, vmid: int) -> GroupIds | None:
    try:
        return read_group_ids(machine, vmid)
    except MachineError:
        return None
