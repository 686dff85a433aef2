"""What the Ansible module `gpu_container` calls. A dictionary at both ends is Ansible's access."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from rocmox.containers.access import open_access
from rocmox.containers.apply.adoption import adopt
from rocmox.containers.apply.journal import CreationJournal
from rocmox.containers.apply.legacy_file import config_files
from rocmox.containers.apply.removal import remove
from rocmox.containers.apply.run import Outcome, apply_site
from rocmox.containers.apply.stored_specs import stored_document, stored_path
from rocmox.containers.current.cards import cards_from_report
from rocmox.containers.current.guest_groups import parse_guest_groups
from rocmox.containers.plan.adoption import plan_adoption
from rocmox.containers.plan.difference import describe_difference
from rocmox.containers.plan.reminders import plan_warnings
from rocmox.containers.plan.removal import plan_removal
from rocmox.containers.plan.site import SitePlan, plan_site
from rocmox.containers.spec.container import ContainerSpec, parse_specs
from rocmox.containers.spec.options import options_from

Parameters = Mapping[str, Any]


def ensure_containers(parameters: Parameters, *, check_mode: bool) -> dict[str, Any]:
    """Plan, and apply unless in check mode."""
    specs = parse_specs(parameters["containers"])
    cards = cards_from_report(parameters["gpus_report"])
    group_ids = parse_guest_groups(parameters["guest_groups"])
    options = options_from(parameters)
    access = open_access(parameters)
    journal = CreationJournal(access.machine) if access.machine else None
    plan = plan_site(access.node, specs, cards, group_ids, options, journal=journal)
    files = config_files(plan, access.machine)
    outcome = _predicted(plan) if check_mode else apply_site(access.node, plan, options, group_ids.get, files, journal)
    return {
        "way": access.description,
        "changed": bool(plan.steps),
        "steps": list(outcome.done),
        "diff": _differences(plan),
        "downloads": [dataclasses.asdict(download) for download in plan.downloads],
        "stored_specs": _stored(access.node.name, specs, parameters["containers"]),
        "awaiting_group_ids": list(outcome.awaiting_group_ids),
        "warnings": [*outcome.warnings, *plan_warnings(plan)],
    }


def remove_containers(parameters: Parameters, *, check_mode: bool) -> dict[str, Any]:
    """Destroy the listed containers that carry our tag."""
    specs = parse_specs(parameters["containers"])
    options = options_from(parameters)
    access = open_access(parameters)
    node = access.node
    steps, left_alone = plan_removal(node, specs)
    warnings = () if check_mode else remove(node, steps, options)
    text = "".join(f"container {step.vmid}: {step.hostname}\n" for step in steps)
    return {
        "way": access.description,
        "changed": bool(steps),
        "steps": [str(step) for step in steps],
        "left_alone": list(left_alone),
        "diff": [{"before_header": node.name, "after_header": node.name, "before": text, "after": ""}] if steps else [],
        "warnings": list(warnings),
    }


def adopt_containers(parameters: Parameters, *, check_mode: bool) -> dict[str, Any]:
    """Put our tag on the listed containers that have none."""
    specs = parse_specs(parameters["containers"])
    access = open_access(parameters)
    steps = plan_adoption(access.node, specs)
    if not check_mode:
        adopt(access.node, steps)
    header = access.node.name
    after = "".join(f"container {step.vmid}: tags: {step.tags}\n" for step in steps)
    return {
        "way": access.description,
        "changed": bool(steps),
        "steps": [str(step) for step in steps],
        "diff": [{"before_header": header, "after_header": header, "before": "", "after": after}] if steps else [],
    }


def _stored(node: str, specs: Sequence[ContainerSpec], entries: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """The files that the repair at boot goes by."""
    stored = []
    for spec, entry in zip(specs, entries, strict=True):
        if spec.gpus:
            content = stored_document(node, entry)
            sha256 = hashlib.sha256(content.encode()).hexdigest()
            stored.append({"path": stored_path(spec.vmid), "sha256": sha256, "content": content})
    return stored


def _predicted(plan: SitePlan) -> Outcome:
    return Outcome(done=plan.foreseen, warnings=(), awaiting_group_ids=())


def _differences(plan: SitePlan) -> list[dict[str, str]]:
    differences = []
    for container in plan.containers:
        before, after = describe_difference(container)
        if before != after:
            header = f"{plan.current.name}/lxc/{container.desired.spec.vmid}"
            differences.append({"before_header": header, "after_header": header, "before": before, "after": after})
    if plan.downloads:
        wanted = "".join(f"{download.storage}:vztmpl/{download.file_name}\n" for download in plan.downloads)
        header = f"{plan.current.name}/templates"
        differences.insert(0, {"before_header": header, "after_header": header, "before": "", "after": wanted})
    return differences
