"""The steps from what a host is to what is desired, and back. Pure: files are read through `read`, nothing is changed.

Each subject has its plan beside its undo; here they are put in order.
"""

from __future__ import annotations

import shutil

from rocmox.host import files, places, step
from rocmox.host.desired import DesiredHost
from rocmox.host.kernels.hook_files import plan_hooks, undo_hooks
from rocmox.host.kernels.module import plan_builds, plan_load
from rocmox.host.kernels.overrides import plan_overrides, undo_overrides
from rocmox.host.kernels.pin import plan_pin, plan_protection, undo_holds, undo_pin
from rocmox.host.kernels.startup import plan_startup
from rocmox.host.kernels.units import plan_units, undo_units
from rocmox.host.ledger import Ledger
from rocmox.host.packages.installed import plan_finish, plan_packages, undo_packages
from rocmox.host.packages.resolve import Offer
from rocmox.host.packages.source import plan_source, undo_source
from rocmox.host.state import HostState
from rocmox.host.step import Read, Step
from rocmox.machine import Machine


def plan(state: HostState, desired: DesiredHost, offer: Offer, read: Read) -> tuple[Step, ...]:
    """Every step that is still to be done for AMD's driver, in their order."""
    return (
        *plan_finish(state),
        *plan_protection(state, desired),
        *plan_hooks(read),
        *plan_source(desired, offer, read),
        *plan_units(read),
        *plan_overrides(read),
        *plan_packages(state, desired, offer),
        *plan_builds(state, desired, offer),
        *plan_startup(state, desired, read),
        *plan_load(state),
        *plan_pin(state, desired),
    )


def plan_removal(state: HostState, desired: DesiredHost, noted: Ledger, read: Read) -> tuple[Step, ...]:
    """Every step that is still to be done for the inbox driver; without a ledger only what it starts with."""
    if noted == Ledger() and read(places.DESIRED) is None:
        return tuple(plan_startup(state, desired, read))
    return (
        *undo_packages(state, noted),
        *undo_overrides(read),
        *undo_units(read),
        *undo_hooks(read),
        *undo_source(read),
        *plan_startup(state, desired, read),
        *undo_holds(state, noted),
        *undo_pin(state, noted),
        step.do("forget what was noted", _forget, header=places.STATE, before="ledger", after="nothing"),
    )


def _forget(_machine: Machine) -> None:
    files.remove(places.PROGRAM)
    shutil.rmtree(places.STATE, ignore_errors=True)
