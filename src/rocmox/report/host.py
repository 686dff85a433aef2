"""`rocmox host`: one JSON document for the role, the hooks and the units."""

from __future__ import annotations

from typing import Any

from rocmox.host.look import Look
from rocmox.host.upgrade.plan import Stage, UpgradePlan


def look_document(found: Look, done: list[str], error: str) -> dict[str, Any]:
    """What `rocmox host look|apply --json` prints."""
    return {
        "schema_version": 1,
        "changed": bool(done),
        "problems": list(found.problems),
        "notes": list(found.notes),
        "steps": [one.text for one in found.steps],
        "done": done,
        "error": error,
        "reboot": list(found.reboot),
        "boots_next": found.state.boots_next,
        "running": found.state.running,
        "guests": list(found.guests),
        "diff": [
            {"before_header": one.header, "after_header": one.header, "before": one.before, "after": one.after}
            for one in found.steps
        ],
    }


def plan_document(found: UpgradePlan) -> dict[str, Any]:
    """What `rocmox host upgrade plan` prints."""
    pending = found.stage is not Stage.NOTHING
    before = f"kernel {found.old} boots\n"
    after = f"kernel {found.new} boots\n" if pending else before
    return {
        "old": found.old,
        "new": found.new,
        "phase": str(found.stage),
        "steps": list(found.todo),
        "changed": pending,
        "diff": [{"before_header": "next boot", "after_header": "next boot", "before": before, "after": after}],
    }


def prepared_document(found: UpgradePlan, following: Stage) -> dict[str, Any]:
    """What `prepare` prints: the same, with what comes next."""
    return {**plan_document(found), "phase": str(following)}
