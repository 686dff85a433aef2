"""To another kernel: built while everything serves, booted once on trial, pinned when it has proven itself.

The state lies in one file on the node (`record`), written before each act; a run that was killed is taken up again.
What boots is always a kernel whose module was built: the old one is pinned until `confirm`.
"""

from __future__ import annotations

import dataclasses
import time
from typing import Any

from rocmox.errors import RocmoxError
from rocmox.host import files, guests, ledger, places
from rocmox.host.kernels import boot, build, hook
from rocmox.host.packages import apt
from rocmox.host.state import HostState
from rocmox.host.upgrade.plan import UpgradePlan
from rocmox.host.upgrade.record import Card, Phase, UpgradeRecord, archive, read_record, write_record
from rocmox.machine import Machine


def begin(plan: UpgradePlan, verdicts: dict[str, str]) -> bool:
    """Note that building begins; whether an earlier run was cut off while it built. An earlier target is forgotten."""
    before = read_record()
    same = before if before and before.new == plan.new else UpgradeRecord(phase=Phase.BUILDING)
    write_record(dataclasses.replace(same, phase=Phase.BUILDING, old=plan.old, new=plan.new, verdicts=verdicts))
    return before is not None and before.phase is Phase.BUILDING


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
    record = read_record() or UpgradeRecord(phase=Phase.BUILT)
    built = dataclasses.replace(record, old=plan.old, new=plan.new, phase=Phase.BUILT, prepared_at=started)
    write_record(dataclasses.replace(built, built_at=time.time()))


def switch(machine: Machine, state: HostState) -> None:
    """Remember guests and cards, pin the new kernel for once, guests down, reboot. Runs on its own on the node."""
    record = read_record()
    if record is None or not record.new or not state.built(record.new):
        new = record.new if record and record.new else "of no upgrade"
        raise RocmoxError(f"kernel {new} has no module built for it; nothing was switched")
    found = guests.read_guests(machine)
    trial = dataclasses.replace(
        record,
        phase=Phase.TRIAL,
        guests=guests.running(found) or record.guests,
        cards=cards_of(state),
        down_at=None,
        up_at=None,
        error="",
    )
    write_record(trial)
    boot.pin(machine, record.new, next_boot=True)
    machine.run(["sync"])
    write_record(dataclasses.replace(trial, down_at=time.time()))
    guests.shut_down(machine, found)
    machine.run(["systemctl", "reboot"]).check()


def reboot(machine: Machine) -> None:
    """A plain reboot with the guests in their order; an upgrade that is under way keeps its own account.

    After removal there is no unit that would start them, and nothing is noted: the role starts them.
    """
    found = guests.read_guests(machine)
    if files.read(places.DESIRED) is not None and read_record() is None:
        write_record(UpgradeRecord(phase=Phase.REBOOT, guests=guests.running(found), down_at=time.time()))
    guests.shut_down(machine, found)
    machine.run(["systemctl", "reboot"]).check()


def conclude(machine: Machine, state: HostState) -> dict[str, Any]:
    """The new kernel has proven itself: pinned for good, and the upgrade is history. What it took, in seconds."""
    record = read_record()
    if record is None or not record.new:
        raise RocmoxError(f"{places.UPGRADE} names no upgrade, so no kernel is pinned")
    if state.boot and state.boot.pinned != record.new:
        ledger.add(pinned=record.new, pin_before=state.boot.pinned or "")
        boot.pin(machine, record.new)
    if state.boot and state.boot.next_boot:
        boot.unpin(machine, next_boot=True)
    return archive(dataclasses.replace(record, phase=Phase.DONE, error=""))


def secure(machine: Machine, state: HostState, old: str) -> None:
    """The old kernel is what boots from now on."""
    if state.boot and state.boot.next_boot:
        boot.unpin(machine, next_boot=True)
    if not state.boot or state.boot.pinned != old:
        boot.pin(machine, old)
    machine.run(["sync"])


def fail(reason: str) -> dict[str, Any]:
    """The upgrade ends here; the old kernel is pinned and stays so."""
    record = read_record() or UpgradeRecord(phase=Phase.FAILED)
    return archive(dataclasses.replace(record, phase=Phase.FAILED, error=record.error or reason))


def cards_of(state: HostState) -> tuple[Card, ...]:
    """What must be the same afterwards: PCI addresses and unique ids."""
    return tuple(Card(pci_address=gpu.pci_address, unique_id=gpu.unique_id) for gpu in state.gpus)
