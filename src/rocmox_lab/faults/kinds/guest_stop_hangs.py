"""A guest that does not hear: its processes are frozen, so a shutdown waits until its time is up and kills it."""

from __future__ import annotations

from rocmox_lab.faults.fault import Fault, Parameter, Values
from rocmox_lab.faults.target import FaultTarget


def apply(target: FaultTarget, values: Values) -> None:
    """Freeze a running guest."""
    target.run(["lxc-freeze", "-n", str(values["vmid"])]).check()


def clear(target: FaultTarget, values: Values) -> None:
    """Thaw it, should it still be there."""
    target.run(["lxc-unfreeze", "-n", str(values["vmid"])])


FAULT = Fault(
    name="guest-stop-hangs",
    summary="a running guest does not react to a shutdown",
    parameters=(Parameter(name="vmid", default=101, meaning="which running guest"),),
    apply=apply,
    clear=clear,
)
