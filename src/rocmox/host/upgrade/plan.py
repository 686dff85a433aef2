"""From which kernel to which, and what it still takes. Asks apt's sources, and changes nothing."""

from __future__ import annotations

import dataclasses
import enum

from rocmox.errors import RefusedError
from rocmox.facts.kernels import series, version_key
from rocmox.host.desired import DesiredHost
from rocmox.host.packages.resolve import Offer, ask, check_headers
from rocmox.host.problems import find_problems
from rocmox.host.state import HostState
from rocmox.host.upgrade.record import read_record
from rocmox.machine import Machine


class Stage(enum.StrEnum):
    """What comes next; in JSON it is called `phase`."""

    NOTHING = "nothing"
    BUILD = "build"
    BOOT = "boot"
    CONFIRM = "confirm"


@dataclasses.dataclass(frozen=True, kw_only=True)
class UpgradePlan:
    """From which kernel to which; `todo` is what is still to be done."""

    old: str
    new: str
    stage: Stage
    todo: tuple[str, ...]
    offer: Offer


def plan_upgrade(machine: Machine, state: HostState, desired: DesiredHost) -> UpgradePlan:
    """What would boot after this upgrade, and what it takes; RefusedError before any change when it cannot be."""
    if not desired.wants_dkms:
        raise RefusedError(
            "amdgpu_host_driver is inbox: a kernel brings its own driver, and nothing has to be built for it",
            remedy="`apt full-upgrade` and a reboot are enough; pin the old kernel first if you want a way back.",
        )
    if not state.driver_version:
        raise RefusedError(
            "amdgpu-dkms is not installed, so there is nothing to build for another kernel",
            remedy="Run playbooks/prepare_host.yml with amdgpu_host_driver: dkms first.",
        )
    under_way = read_record()
    offer = ask(machine, state, desired, kernels=(desired.upgrade_kernel,) if desired.upgrade_kernel else ())
    newest = max((offer.newest_kernel, *_of_series(state)), key=version_key)
    new = desired.upgrade_kernel or newest or state.running
    old = (under_way.old if under_way else "") or (state.boot and state.boot.pinned) or state.running
    if new == old and state.running == new:
        return UpgradePlan(old=old, new=new, stage=Stage.NOTHING, todo=(), offer=offer)
    if problems := [text for text in find_problems(state, desired, kernel=new) if "no image in /boot" not in text]:
        raise RefusedError("\n".join(problems))
    if new not in state.kernels and new not in offer.kernel_packages:
        raise RefusedError(
            f"no source offers kernel {new}",
            remedy="Check amdgpu_host_upgrade_kernel against `apt list 'proxmox-kernel-*'`.",
        )
    check_headers(state, offer, new)
    return UpgradePlan(old=old, new=new, stage=_stage(state, new), todo=_todo(state, offer, old, new), offer=offer)


def _of_series(state: HostState) -> tuple[str, ...]:
    return tuple(kernel for kernel in state.kernels if series(kernel) == series(state.running))


def _stage(state: HostState, new: str) -> Stage:
    if state.running == new:
        return Stage.CONFIRM
    return Stage.BOOT if state.built(new) else Stage.BUILD


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
