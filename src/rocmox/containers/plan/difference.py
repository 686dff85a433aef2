"""A container before and after its plan as text, for `--diff` and for people."""

from __future__ import annotations

from collections.abc import Mapping

from rocmox.containers.current.legacy_lines import as_text
from rocmox.containers.plan.prediction import with_names
from rocmox.containers.plan.site import ContainerPlan
from rocmox.containers.plan.steps import (
    CreateContainer,
    GrowDisk,
    MigrateLegacy,
    RestartContainer,
    StartContainer,
    UpdateConfig,
)

_SHOWN_LAST = ("restart", "status")


def describe_difference(plan: ContainerPlan) -> tuple[str, str]:
    """Two texts of `key: value` lines; equal when there is nothing to do."""
    before = dict(plan.current.config) if plan.current else {}
    if plan.current:
        before["status"] = "running" if plan.current.running else "stopped"
        if plan.current.legacy:
            before["lxc"] = as_text(plan.current.legacy)
    return _as_text(before), _as_text(_after(plan, before))


def _after(plan: ContainerPlan, before: Mapping[str, str]) -> dict[str, str]:
    after = dict(before)
    for step in plan.foreseen:
        match step:
            case CreateContainer():
                after |= {key: str(value) for key, value in step.parameters.items() if key != "vmid"}
            case UpdateConfig():
                after = {key: value for key, value in after.items() if key not in step.delete} | dict(step.changes)
            case MigrateLegacy():
                after.pop("lxc", None)
            case GrowDisk():
                after["rootfs (grown)"] = f"{step.size_gib} GiB"
            case StartContainer():
                after["status"] = "running"
            case RestartContainer():
                after["restart"] = f"needed for {', '.join(step.why)}"
            case _:
                after["status"] = str(step)
    return after


def _as_text(values: Mapping[str, str]) -> str:
    keys = sorted(values, key=lambda key: (key in _SHOWN_LAST, key))
    return "".join(f"{key}: {_on_one_line(values[key])}\n" for key in keys)


def _on_one_line(value: str) -> str:
    """A description may have several lines; Proxmox VE ends it with a newline."""
    return with_names(value.strip().replace("\n", "\\n"))
