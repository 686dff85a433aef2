"""What the Ansible module `gpu_container` calls. A dictionary at both ends is Ansible's way."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from rocmox.containers.adoption import adopt, plan_adoption
from rocmox.containers.apply import Outcome, apply_site
from rocmox.containers.cards import cards_from_report
from rocmox.containers.difference import describe_difference
from rocmox.containers.guest_groups import parse_guest_groups
from rocmox.containers.journal import CreationJournal
from rocmox.containers.legacy_file import config_files
from rocmox.containers.options import Options
from rocmox.containers.reminders import plan_warnings
from rocmox.containers.removal import plan_removal, remove
from rocmox.containers.site import SitePlan, plan_site
from rocmox.containers.spec import parse_specs
from rocmox.containers.ways import open_way

Parameters = Mapping[str, Any]


def ensure_containers(parameters: Parameters, *, check_mode: bool) -> dict[str, Any]:
    """Plan, and apply unless in check mode."""
    specs = parse_specs(parameters["containers"])
    cards = cards_from_report(parameters["gpus_report"])
    group_ids = parse_guest_groups(parameters["guest_groups"])
    options = options_from(parameters)
    way = open_way(parameters)
    journal = CreationJournal(way.machine) if way.machine else None
    plan = plan_site(way.node, specs, cards, group_ids, options, journal=journal)
    files = config_files(plan, way.machine)
    outcome = _predicted(plan) if check_mode else apply_site(way.node, plan, options, group_ids.get, files, journal)
    return {
        "way": way.words,
        "changed": bool(plan.steps),
        "steps": list(outcome.done),
        "diff": _differences(plan),
        "downloads": [dataclasses.asdict(download) for download in plan.downloads],
        "awaiting_group_ids": list(outcome.awaiting_group_ids),
        "warnings": [*outcome.warnings, *plan_warnings(plan)],
    }


def remove_containers(parameters: Parameters, *, check_mode: bool) -> dict[str, Any]:
    """Destroy the listed containers that carry our tag."""
    specs = parse_specs(parameters["containers"])
    options = options_from(parameters)
    way = open_way(parameters)
    node = way.node
    steps, left_alone = plan_removal(node, specs)
    warnings = () if check_mode else remove(node, steps, options)
    text = "".join(f"container {step.vmid}: {step.hostname}\n" for step in steps)
    return {
        "way": way.words,
        "changed": bool(steps),
        "steps": [str(step) for step in steps],
        "left_alone": list(left_alone),
        "diff": [{"before_header": node.name, "after_header": node.name, "before": text, "after": ""}] if steps else [],
        "warnings": list(warnings),
    }


def adopt_containers(parameters: Parameters, *, check_mode: bool) -> dict[str, Any]:
    """Put our tag on the listed containers that have none."""
    specs = parse_specs(parameters["containers"])
    way = open_way(parameters)
    steps = plan_adoption(way.node, specs)
    if not check_mode:
        adopt(way.node, steps)
    header = way.node.name
    after = "".join(f"container {step.vmid}: tags: {step.tags}\n" for step in steps)
    return {
        "way": way.words,
        "changed": bool(steps),
        "steps": [str(step) for step in steps],
        "diff": [{"before_header": header, "after_header": header, "before": "", "after": after}] if steps else [],
    }


def options_from(parameters: Parameters) -> Options:
    """Policy and timeouts; what is not given keeps its default."""
    names = {field.name for field in dataclasses.fields(Options)}
    given: dict[str, Any] = {
        key: value for key, value in parameters.items() if key in names and value not in (None, "", [])
    }
    given["restart"] = parameters.get("restart", "if_needed") == "if_needed"
    if "supported_guests" in given:
        given["supported_guests"] = tuple(given["supported_guests"])
    return Options(**given)


def _predicted(plan: SitePlan) -> Outcome:
    return Outcome(done=plan.foreseen, warnings=(), awaiting_group_ids=())


def _differences(plan: SitePlan) -> list[dict[str, str]]:
    differences = []
    for container in plan.containers:
        before, after = describe_difference(container)
        if before != after:
            header = f"{plan.current.name}/lxc/{container.wish.spec.vmid}"
            differences.append({"before_header": header, "after_header": header, "before": before, "after": after})
    if plan.downloads:
        wanted = "".join(f"{download.storage}:vztmpl/{download.file_name}\n" for download in plan.downloads)
        header = f"{plan.current.name}/templates"
        differences.insert(0, {"before_header": header, "after_header": header, "before": "", "after": wanted})
    return differences
