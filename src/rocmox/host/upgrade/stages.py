"""The stages of an upgrade as the role calls them, each with the document that it answers."""

from __future__ import annotations

from typing import Any

from rocmox.errors import RocmoxError
from rocmox.host import answers, files, places
from rocmox.host.desired import DesiredHost
from rocmox.host.look import own_archive
from rocmox.host.state import read_here
from rocmox.host.upgrade import steps, trial
from rocmox.host.upgrade.plan import Stage, UpgradePlan, plan_upgrade
from rocmox.host.upgrade.record import Phase, read_record
from rocmox.machine import LocalMachine

_ANSWER_SECONDS = 900


def plan(desired: DesiredHost) -> UpgradePlan:
    """What is still to be done."""
    machine, _, state = read_here(desired.root)
    return plan_upgrade(machine, state, desired)


def prepare(desired: DesiredHost) -> tuple[UpgradePlan, Stage]:
    """Install and build while everything serves; the plan, and what comes next."""
    machine, _, state = read_here(desired.root)
    found = plan_upgrade(machine, state, desired)
    if found.stage is Stage.NOTHING:
        return found, found.stage
    record = read_record()
    if found.stage is Stage.BUILD or record is None or not record.built_at:
        cut_off = steps.begin(found, trial.verdicts(machine, desired.root))
        try:
            steps.prepare(machine, state, found, cut_off=cut_off)
        except RocmoxError as error:
            steps.fail(str(error))
            raise
    _, _, state = read_here(desired.root)
    return found, Stage.CONFIRM if state.running == found.new else Stage.BOOT


def switch(desired: DesiredHost) -> dict[str, Any]:
    """Guests down, and into the new kernel for once."""
    machine, _, state = read_here(desired.root)
    steps.switch(machine, state)
    return {"changed": True}


def confirm(desired: DesiredHost) -> dict[str, Any]:
    """The new kernel is pinned, or `error` says why it is not."""
    machine, _, state = read_here(desired.root)
    record = read_record()
    if record is None:
        raise RocmoxError(f"no upgrade is under way ({places.UPGRADE} is not there); nothing was pinned")
    if record.phase is Phase.FAILED:
        return {"error": record.error or "the kernel on trial failed", "changed": True}

    def ask() -> list[str]:
        vmids = [vmid for kind, vmid in record.guests if kind == "ct"]
        return answers.unanswered(machine, vmids, patience_seconds=_ANSWER_SECONDS)

    if wrong := trial.confirm(machine, state, record, desired.root, answers=ask):
        return {"error": trial.give_up(wrong), "changed": True}
    return {**steps.conclude(machine, state), "changed": True}


def back(desired: DesiredHost) -> dict[str, Any]:
    """The old kernel is what boots, the guests are up; `reboot` says that the node is not there yet."""
    machine, _, state = read_here(desired.root)
    record = read_record()
    old = record.old if record else ""
    if old and state.running != old and state.built(old):
        steps.secure(machine, state, old)
        return {"reboot": True, "changed": True}
    complaints = trial.start_guests(machine)
    report = steps.fail("the new kernel was not confirmed")
    outcome = {"reboot": False, "changed": True, "error": "", "failure": report["error"], "guests": list(complaints)}
    return {**report, **outcome}


def ready() -> dict[str, Any]:
    """This program where a reboot finds it, and forgets it, even when removal has taken the installed one away."""
    files.write(places.REBOOT_PROGRAM, own_archive().read_bytes(), mode=0o755)
    return {"changed": False}


def reboot() -> dict[str, Any]:
    """Guests down in their order, then a plain reboot; the unit at boot starts them again."""
    steps.reboot(LocalMachine(root="/"))
    return {"changed": True}
