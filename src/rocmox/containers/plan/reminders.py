"""What a plan leaves as it is although it should be otherwise, said aloud."""

from __future__ import annotations

from rocmox.containers.current.legacy_lines import as_text
from rocmox.containers.current.origin import template_of
from rocmox.containers.plan.container import waiting_keys, will_migrate
from rocmox.containers.plan.site import SitePlan, legacy_containers
from rocmox.containers.spec.templates import guest_system, newest, split_volume_id


def plan_warnings(plan: SitePlan) -> list[str]:
    """Changes that wait for a restart, raw lines that nobody asked to migrate, templates that come too late."""
    return [*_pending(plan), *_legacy(plan), *_templates(plan)]


def _pending(plan: SitePlan) -> list[str]:
    if plan.rules.restart:
        return []
    found = [entry.current for entry in plan.containers if entry.current]
    return [
        f"container {entry.vmid} must be restarted for {', '.join(waiting_keys(entry))} (restart policy: never)"
        for entry in found
        if entry.running and waiting_keys(entry)
    ]


def _legacy(plan: SitePlan) -> list[str]:
    return [
        f"container {entry.vmid} passes cards by raw lines ({as_text(entry.legacy)}), so its devices are left alone; "
        "`rocmox containers apply --migrate-legacy` (gpu_container_migrate_legacy: true) turns them into devN and "
        "restarts it"
        for entry in legacy_containers(plan)
        if not will_migrate(entry, plan.rules)
    ]


def _templates(plan: SitePlan) -> list[str]:
    """A template is what a container is made from; another one later changes nothing."""
    found = [(entry.desired.spec, template_of(entry.current.config)) for entry in plan.containers if entry.current]
    return [
        f"{spec.field('template')}: {spec.template} is ignored, since the container exists and was made from "
        f"{made_from}; to change its system, remove it (playbooks/remove_site.yml) and create it anew"
        for spec, made_from in found
        if made_from and not _means(spec.template, made_from)
    ]


def _means(desired: str, made_from: str) -> bool:
    """Whether a desired name still means the file, newer revisions of it included."""
    _, file_name = split_volume_id(made_from, default_storage="")
    _, name = split_volume_id(desired, default_storage="")
    system = guest_system(name)
    return newest(name, [file_name]) is not None or (system is not None and system == guest_system(file_name))
