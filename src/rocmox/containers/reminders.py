"""What a plan leaves as it is although it should be otherwise, said aloud."""

from __future__ import annotations

from rocmox.containers.legacy import as_text
from rocmox.containers.plan import waiting_keys, will_migrate
from rocmox.containers.site import SitePlan, legacy_containers


def plan_warnings(plan: SitePlan) -> list[str]:
    """Changes that wait for a restart, and raw lines that nobody asked to migrate."""
    return [*_pending(plan), *_legacy(plan)]


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
