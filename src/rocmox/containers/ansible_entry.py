"""What the Ansible module `gpu_container` calls. A dictionary at both ends is Ansible's way."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from rocmox.containers.apply import Outcome, apply_site, pending_warnings
from rocmox.containers.cards import cards_from_report
from rocmox.containers.difference import describe_difference
from rocmox.containers.guest_groups import parse_guest_groups
from rocmox.containers.options import Options
from rocmox.containers.removal import plan_removal, remove
from rocmox.containers.site import SitePlan, plan_site
from rocmox.containers.spec import parse_specs
from rocmox.proxmox import Account, Endpoint, HttpsApi, Node

Parameters = Mapping[str, Any]


def ensure_containers(parameters: Parameters, *, check_mode: bool) -> dict[str, Any]:
    """Plan, and apply unless in check mode."""
    specs = parse_specs(parameters["containers"])
    cards = cards_from_report(parameters["gpus_report"])
    group_ids = parse_guest_groups(parameters["guest_groups"])
    options = options_from(parameters)
    node = node_from(parameters)
    plan = plan_site(node, specs, cards, group_ids, options)
    outcome = _predicted(plan) if check_mode else apply_site(node, plan, options, group_ids.get)
    current = [container.current for container in plan.containers if container.current]
    return {
        "changed": bool(plan.steps),
        "steps": list(outcome.done),
        "diff": _differences(plan),
        "downloads": [dataclasses.asdict(download) for download in plan.downloads],
        "awaiting_group_ids": list(outcome.awaiting_group_ids),
        "warnings": [*outcome.warnings, *pending_warnings(current, plan.rules)],
    }


def remove_containers(parameters: Parameters, *, check_mode: bool) -> dict[str, Any]:
    """Destroy the listed containers that carry our tag."""
    specs = parse_specs(parameters["containers"])
    options = options_from(parameters)
    node = node_from(parameters)
    steps, left_alone = plan_removal(node, specs)
    warnings = () if check_mode else remove(node, steps, options)
    text = "".join(f"container {step.vmid}: {step.hostname}\n" for step in steps)
    return {
        "changed": bool(steps),
        "steps": [str(step) for step in steps],
        "left_alone": list(left_alone),
        "diff": [{"before_header": node.name, "after_header": node.name, "before": text, "after": ""}] if steps else [],
        "warnings": list(warnings),
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


def node_from(parameters: Parameters) -> Node:
    """The node, over HTTPS; nothing is sent yet."""
    endpoint = Endpoint(
        host=parameters["api_host"],
        port=int(parameters.get("api_port") or 8006),
        fingerprint=parameters.get("api_fingerprint") or "",
        ca_file=parameters.get("api_ca_file") or "",
        timeout_seconds=float(parameters.get("api_timeout_seconds") or 30),
    )
    account = Account(
        user=parameters.get("api_user") or "root@pam",
        password=parameters.get("api_password") or "",
        token_id=parameters.get("api_token_id") or "",
        token_secret=parameters.get("api_token_secret") or "",
    )
    return Node(api=HttpsApi(endpoint, account), name=parameters["node"])


def _predicted(plan: SitePlan) -> Outcome:
    return Outcome(done=tuple(str(step) for step in plan.steps), warnings=(), awaiting_group_ids=())


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
