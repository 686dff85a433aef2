"""The driver's packages and the headers it is built with."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rocmox.host import step
from rocmox.host.desired import DesiredHost
from rocmox.host.ledger import Ledger
from rocmox.host.packages import apt, install
from rocmox.host.packages.resolve import DRIVER, FIRMWARE, Offer
from rocmox.host.problems import desired_kernel, is_ours
from rocmox.host.state import HostState
from rocmox.host.step import Step
from rocmox.machine import Machine

_KERNEL = re.compile(r"(?:proxmox|pve)-kernel-")
# Other modules of DKMS go on needing these.
_TOOLS = re.compile(r"(?!amdgpu-dkms)")


def plan_finish(state: HostState) -> Iterator[Step]:
    """What an interrupted run of apt left is finished first."""
    ours = [name for name in state.broken if is_ours(name)]
    if ours:
        yield step.do(
            "finish what an interrupted run of apt left", apt.finish_interrupted, header="dpkg", before=", ".join(ours)
        )


def plan_packages(state: HostState, desired: DesiredHost, offer: Offer) -> Iterator[Step]:
    """Headers of every kernel that may boot, then the driver in exactly one version."""
    headers = tuple(
        offer.headers[kernel]
        for kernel in state.may_boot
        if kernel not in state.with_headers and kernel in offer.headers
    )
    if headers:
        yield step.do(
            f"install {' '.join(headers)}",
            lambda machine: install.install_headers(machine, headers),
            header="packages",
            after="\n".join(headers),
        )
    if state.packages.get(DRIVER) != offer.version or state.packages.get(FIRMWARE, offer.version) != offer.version:
        before, kernel = state.packages.get(DRIVER, ""), desired_kernel(state, desired)
        yield step.do(
            f"install {DRIVER} {offer.version}",
            lambda machine: install.install_driver(machine, desired, offer.version, before, kernel),
            header="packages",
            before=f"{DRIVER} {before}" if before else "",
            after=f"{DRIVER} {offer.version}",
        )


def undo_packages(state: HostState, noted: Ledger) -> Iterator[Step]:
    """What we added goes, unless somebody else needs it by now; kernels stay."""
    names = tuple(name for name in noted.packages if not _KERNEL.match(name))
    if state.other_modules:
        names = tuple(name for name in names if not _TOOLS.match(name))
    if not names:
        return

    def purge(machine: Machine) -> None:
        present = _present(machine, names)
        while present:
            _, gone = apt.simulate(machine, "purge", "--allow-change-held-packages", *present)
            if set(gone) <= set(names):
                apt.purge(machine, present)
                break
            # Somebody else needs one of them by now: the driver goes, the tools stay.
            present = tuple(name for name in present if name.startswith(DRIVER)) if present != (DRIVER,) else ()
        install.renew_initramfs(machine)

    yield step.do(f"remove {' '.join(names)}", purge, header="packages", before="\n".join(names), after="none of them")


def _present(machine: Machine, names: tuple[str, ...]) -> tuple[str, ...]:
    query = ["dpkg-query", "--show", "--showformat", "${db:Status-Status} ${Package}\n", *names]
    lines = (line.split() for line in machine.run(query).stdout.splitlines())
    return tuple(words[1] for words in lines if words[0] != "not-installed")


def note_hand_made(state: HostState, noted: Ledger) -> str:
    """What to say of a driver that somebody else installed; empty when there is none."""
    if DRIVER in state.packages and noted == Ledger():
        return f"{DRIVER} {state.packages[DRIVER]} is not this role's and stays; `apt purge {DRIVER}` removes it"
    return ""
