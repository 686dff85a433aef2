"""The module amdgpu: built for each kernel that may boot, and loaded where none is. Undone with its packages."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rocmox.host import step
from rocmox.host.desired import DesiredHost
from rocmox.host.kernels import build
from rocmox.host.packages.resolve import DRIVER, Offer
from rocmox.host.problems import desired_kernel
from rocmox.host.state import MODULE, HostState
from rocmox.host.step import Step
from rocmox.machine import Machine


def plan_builds(state: HostState, desired: DesiredHost, offer: Offer) -> Iterator[Step]:
    """The module for each kernel that may boot; only the desired one must have it."""
    wanted = desired_kernel(state, desired)
    renewed = state.packages.get(DRIVER) != offer.version
    for kernel in state.may_boot:
        if state.built(kernel) and not renewed:
            continue
        if kernel == wanted:
            yield step.do(f"build amdgpu for {kernel}", _require(kernel), header="dkms status")
        elif kernel in state.with_headers or kernel in offer.headers:
            yield step.do(f"build amdgpu for {kernel}, which may boot", _try(kernel), header="dkms status")


def _require(kernel: str) -> Callable[[Machine], None]:
    return lambda machine: _ignore(build.require(machine, kernel))


def _try(kernel: str) -> Callable[[Machine], None]:
    return lambda machine: _ignore(build.build(machine, kernel))


def _ignore(_built: build.Built) -> None:
    """A kernel that does not boot by default may lack the module: the record tells health."""


def plan_load(state: HostState) -> Iterator[Step]:
    """Where no amdgpu is loaded, ours can be at once; the kernel's own is replaced by a reboot."""
    if not state.module.loaded and state.running in state.kernels:
        yield step.do("load amdgpu", _modprobe, header="lsmod")


def _modprobe(machine: Machine) -> None:
    """Load the driver now, where none is loaded yet."""
    machine.run(["modprobe", MODULE], timeout_seconds=300).check(remedy="Read `dmesg | tail`.")
