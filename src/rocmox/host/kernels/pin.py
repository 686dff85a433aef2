"""What boots, and that no series grows by itself: pins and holds."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rocmox.host import ledger, step
from rocmox.host.desired import DesiredHost
from rocmox.host.kernels import boot
from rocmox.host.ledger import Ledger
from rocmox.host.problems import desired_kernel
from rocmox.host.state import HostState
from rocmox.host.step import Step
from rocmox.machine import Machine

_META = re.compile(r"(?:(?:proxmox|pve)-(?:kernel|headers)-\d+\.\d+|proxmox-default-(?:kernel|headers))")


def kernel_metas(packages: dict[str, str]) -> tuple[str, ...]:
    """Installed packages that bring a newer kernel with every `apt upgrade`."""
    return tuple(sorted(name for name in packages if _META.fullmatch(name)))


def plan_protection(state: HostState, desired: DesiredHost) -> Iterator[Step]:
    """Before anything is installed: the running kernel stays what boots, and no series grows by itself."""
    if state.boot and not state.boot.pinned:
        kernel = state.running

        def pin(machine: Machine) -> None:
            ledger.add(pinned=kernel, pin_before="")
            boot.pin(machine, kernel)

        yield step.do(f"pin kernel {kernel}", pin, header="proxmox-boot-tool", before="no kernel is pinned")
    metas = tuple(name for name in kernel_metas(state.packages) if name not in state.holds)
    if metas and desired.wants_dkms:

        def hold(machine: Machine) -> None:
            ledger.add(holds=metas)
            machine.run(["apt-mark", "hold", *metas]).check()

        yield step.do(f"hold {' '.join(metas)}", hold, header="apt-mark showhold")


def plan_pin(state: HostState, desired: DesiredHost) -> Iterator[Step]:
    """The desired kernel is what boots, once everything it needs is there."""
    wanted = desired_kernel(state, desired)
    pinned = (state.boot.pinned if state.boot else None) or state.running
    if wanted != pinned:
        before = state.boot.pinned if state.boot and state.boot.pinned else ""

        def pin(machine: Machine) -> None:
            ledger.add(pinned=wanted, pin_before=before)
            boot.pin(machine, wanted)

        yield step.do(f"pin kernel {wanted}", pin, header="proxmox-boot-tool", before=f"{pinned} is pinned")


def undo_holds(state: HostState, noted: Ledger) -> Iterator[Step]:
    """A series may grow by itself again."""
    ours = tuple(name for name in noted.holds if name in state.holds)
    if ours:

        def unhold(machine: Machine) -> None:
            machine.run(["apt-mark", "unhold", *ours]).check()

        yield step.do(
            f"hold {' '.join(ours)} no longer",
            unhold,
            header="apt-mark showhold",
            before=" ".join(ours),
        )


def undo_pin(state: HostState, noted: Ledger) -> Iterator[Step]:
    """The pin that was there before ours; none where there was none."""
    if not noted.pinned or state.boot is None or not state.boot.pinned:
        return
    if noted.pin_before in state.kernels:
        kernel = noted.pin_before
        yield step.do(f"pin kernel {kernel}", lambda machine: boot.pin(machine, kernel), header="proxmox-boot-tool")
    else:
        yield step.do("pin no kernel", boot.unpin, header="proxmox-boot-tool", before=f"{state.boot.pinned} is pinned")
