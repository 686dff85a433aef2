"""To another kernel: built while everything serves, booted once on trial, pinned when it has proven itself.

The state lies in one file on the node, written before each act; a run that was killed anywhere is taken up again.
What boots is always a kernel whose module was built: the old one is pinned until `confirm`.
"""

from __future__ import annotations

import dataclasses
import time
from typing import Any

from rocmox.errors import RefusedError, RocmoxError
from rocmox.facts.kernels import series, version_key
from rocmox.host import apt, boot, build, files, guests, hook, ledger, places
from rocmox.host.look import check_headers
from rocmox.host.problems import find_problems
from rocmox.host.resolve import Offer, ask
from rocmox.host.state import HostState
from rocmox.host.wish import HostWish
from rocmox.machine import Machine


@dataclasses.dataclass(frozen=True, kw_only=True)
class UpgradePlan:
    """From which kernel to which; `phase` is nothing | build | boot | confirm, `todo` what is still to be done."""

    old: str
    new: str
    phase: str
    todo: tuple[str, ...]
    offer: Offer


def plan_upgrade(machine: Machine, state: HostState, wish: HostWish) -> UpgradePlan:
    """What would boot after this upgrade, and what it takes; RefusedError before any change when it cannot be."""
    if not wish.wants_dkms:
        raise RefusedError(
            "amdgpu_host_driver is inbox: a kernel brings its own driver, and nothing has to be built for it",
            remedy="`apt full-upgrade` and a reboot are enough; pin the old kernel first if you want a way back.",
        )
    if not state.driver_version:
        raise RefusedError(
            "amdgpu-dkms is not installed, so there is nothing to build for another kernel",
            remedy="Run playbooks/prepare_host.yml with amdgpu_host_driver: dkms first.",
        )
    under_way = files.read_document(places.UPGRADE)
    offer = ask(machine, state, wish, kernels=(wish.upgrade_kernel,) if wish.upgrade_kernel else ())
    newest = max((offer.newest_kernel, *_of_series(state)), key=version_key)
    new = wish.upgrade_kernel or newest or state.running
    old = str(under_way.get("old") or (state.boot.pinned if state.boot and state.boot.pinned else state.running))
    if new == old and state.running == new:
        return UpgradePlan(old=old, new=new, phase="nothing", todo=(), offer=offer)
    if problems := [text for text in find_problems(state, wish, kernel=new) if "no image in /boot" not in text]:
        raise RefusedError("\n".join(problems))
    if new not in state.kernels and new not in offer.kernel_packages:
        raise RefusedError(
            f"no source offers kernel {new}",
            remedy="Check amdgpu_host_upgrade_kernel against `apt list 'proxmox-kernel-*'`.",
        )
    check_headers(state, offer, new)
    return UpgradePlan(old=old, new=new, phase=_phase(state, new), todo=_todo(state, offer, old, new), offer=offer)


def _of_series(state: HostState) -> tuple[str, ...]:
    return tuple(kernel for kernel in state.kernels if series(kernel) == series(state.running))


def _phase(state: HostState, new: str) -> str:
    if state.running == new:
        return "confirm"
    return "boot" if state.built(new) else "build"


def _todo(state: HostState, offer: Offer, old: str, new: str) -> tuple[str, ...]:
    found = [f"pin kernel {old} until the new one has proven itself"] if state.boot and state.boot.pinned != old else []
    if new not in state.with_headers:
        found.append(f"install {offer.headers[new]}")
    if new not in state.kernels:
        found.append(f"install {offer.kernel_packages[new]}")
    if not state.built(new):
        found.append(f"build amdgpu for {new}")
    if state.running != new:
        found += [f"boot {new} once", "guests down for the reboot, and up again"]
    return (*found, f"check driver, cards and guests on {new}", f"pin kernel {new}")


def prepare(machine: Machine, state: HostState, plan: UpgradePlan, *, cut_off: bool = False) -> None:
    """Headers, kernel and module, in this order, while everything serves.

    What a run that was cut off may have left unwritten (index of modules, initial RAM disk) is made anew.
    """
    hook.keep_default(machine)
    if state.boot and state.boot.pinned != plan.old:
        ledger.add(pinned=plan.old, pin_before=state.boot.pinned or "")
        boot.pin(machine, plan.old)
    if any(name for name in state.broken):
        apt.finish_interrupted(machine)
    started = time.time()
    apt.update(machine)
    if plan.new not in state.with_headers:
        apt.install(machine, (plan.offer.headers[plan.new],))
    if plan.new not in state.kernels:
        build.compile_ahead(machine, plan.new)
        apt.install(machine, (plan.offer.kernel_packages[plan.new],))
    build.require(machine, plan.new)
    there = machine.exists(f"/boot/initrd.img-{plan.new}")
    if cut_off or not there:
        machine.run(["depmod", plan.new], timeout_seconds=300).check()
        machine.run(["update-initramfs", "-u" if there else "-c", "-k", plan.new], timeout_seconds=1800).check()
    machine.run(["sync"])
    _save(old=plan.old, new=plan.new, phase="built", prepared_at=started, built_at=time.time())


def switch(machine: Machine, state: HostState) -> None:
    """Remember guests and cards, pin the new kernel for once, guests down, reboot. Runs on its own on the node."""
    document = files.read_document(places.UPGRADE)
    new = str(document.get("new", ""))
    if not new or not state.built(new):
        raise RocmoxError(f"kernel {new or 'of no upgrade'} has no module built for it; nothing was switched")
    found = guests.read_guests(machine)
    running = guests.to_json(found) or document.get("guests", [])
    _save(phase="trial", guests=running, cards=cards_of(state), down_at=None, up_at=None, error="")
    boot.pin(machine, new, next_boot=True)
    machine.run(["sync"])
    _save(down_at=time.time())
    guests.shut_down(machine, found)
    machine.run(["systemctl", "reboot"]).check()


def reboot(machine: Machine) -> None:
    """A plain reboot with the guests in their order; an upgrade that is under way keeps its own account.

    After removal there is no unit that would start them, and nothing is noted: the role starts them.
    """
    found = guests.read_guests(machine)
    if files.read(places.WISH) is not None and not files.read_document(places.UPGRADE):
        _save(phase="reboot", guests=guests.to_json(found), down_at=time.time())
    guests.shut_down(machine, found)
    machine.run(["systemctl", "reboot"]).check()


def conclude(machine: Machine, state: HostState) -> dict[str, Any]:
    """The new kernel has proven itself: pinned for good, and the upgrade is history. What it took, in seconds."""
    document = files.read_document(places.UPGRADE)
    new = str(document["new"])
    if state.boot and state.boot.pinned != new:
        ledger.add(pinned=new, pin_before=state.boot.pinned or "")
        boot.pin(machine, new)
    if state.boot and state.boot.next_boot:
        boot.unpin(machine, next_boot=True)
    return archive({**document, "phase": "done", "error": ""})


def secure(machine: Machine, state: HostState, old: str) -> None:
    """The old kernel is what boots from now on."""
    if state.boot and state.boot.next_boot:
        boot.unpin(machine, next_boot=True)
    if not state.boot or state.boot.pinned != old:
        boot.pin(machine, old)
    machine.run(["sync"])


def fail(reason: str) -> dict[str, Any]:
    """The upgrade ends here; the old kernel is pinned and stays so."""
    document = files.read_document(places.UPGRADE)
    return archive({**document, "phase": "failed", "error": document.get("error") or reason})


def archive(document: dict[str, Any]) -> dict[str, Any]:
    """The upgrade's file becomes history; a report of times."""
    report = {**document, **durations(document)}
    files.write_document(places.LAST_UPGRADE, report)
    files.remove(places.UPGRADE)
    return report


def durations(document: dict[str, Any]) -> dict[str, Any]:
    """Seconds of building (while everything served) and of the guests' downtime; None for what did not happen."""
    moments = {name: document.get(name) for name in ("prepared_at", "built_at", "down_at", "up_at")}

    def between(first: str, second: str) -> float | None:
        start, end = moments[first], moments[second]
        return round(end - start, 1) if start and end else None

    built_before = bool(moments["built_at"] and moments["down_at"] and moments["built_at"] <= moments["down_at"])
    return {
        "build_seconds": between("prepared_at", "built_at"),
        "downtime_seconds": between("down_at", "up_at"),
        "built_before_downtime": built_before,
    }


def cards_of(state: HostState) -> list[dict[str, str | None]]:
    """What must be the same afterwards: PCI addresses and unique ids; numbers of nodes may change."""
    return [{"pci_address": gpu.pci_address, "unique_id": gpu.unique_id} for gpu in state.gpus]


def _save(**fields: Any) -> None:
    files.write_document(places.UPGRADE, {**files.read_document(places.UPGRADE), **fields})


def save(**fields: Any) -> None:
    """Note progress in the upgrade's file."""
    _save(**fields)
