"""Back to the kernel's own driver: what the role added goes, what it did not stays."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator

from rocmox.host import apt, boot, driver, files, ledger, places, step
from rocmox.host.ledger import Ledger
from rocmox.host.resolve import DRIVER
from rocmox.host.startup import Read, start_up
from rocmox.host.state import HostState
from rocmox.host.step import Step
from rocmox.host.wish import HostWish
from rocmox.machine import Machine

_KERNEL = re.compile(r"(?:proxmox|pve)-kernel-")
# Other modules of DKMS go on needing these.
_TOOLS = re.compile(r"(?!amdgpu-dkms)")


def plan_removal(state: HostState, wish: HostWish, noted: Ledger, read: Read) -> tuple[Step, ...]:
    """Every step that is still to be done for the inbox driver; without a ledger only what it starts with."""
    if noted == Ledger() and read(places.WISH) is None:
        return tuple(start_up(state, wish, read))
    return (
        *_packages(state, noted),
        *_overrides(read),
        *_files(read),
        *start_up(state, wish, read),
        *_holds(state, noted),
        *_pin(state, noted),
        step.do("forget what was noted", _forget, header=places.STATE, before="ledger", after="nothing"),
    )


def _packages(state: HostState, noted: Ledger) -> Iterator[Step]:
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
        driver.renew_initramfs(machine)

    yield step.do(f"remove {' '.join(names)}", purge, header="packages", before="\n".join(names), after="none of them")


def _present(machine: Machine, names: tuple[str, ...]) -> tuple[str, ...]:
    query = ["dpkg-query", "--show", "--showformat", "${db:Status-Status} ${Package}\n", *names]
    lines = (line.split() for line in machine.run(query).stdout.splitlines())
    return tuple(words[1] for words in lines if words[0] != "not-installed")


def _overrides(read: Read) -> Iterator[Step]:
    known = read("/var/lib/dpkg/statoverride") or ""
    for path in places.DKMS_HOOKS:
        if f" {path}\n" in f"{known}\n":
            yield step.do(
                f"let {path} run by itself again",
                driver.undo_override(path),
                header="dpkg-statoverride",
                before=f"root root 0644 {path}",
            )


def _files(read: Read) -> Iterator[Step]:
    yield step.do("disable the units of a kernel on trial", driver.disable_units, header="systemctl enable")
    units = tuple(f"{places.UNITS}/{name}" for name in (places.TRIAL_UNIT, places.GUESTS_UNIT))
    hooks = (places.POSTINST, places.HEADER_POSTINST, places.POSTRM, places.APT_HOOK)
    for path in (*hooks, places.SOURCE, places.PREFERENCES, places.KEYRING, *units):
        before = read(path)
        if before is not None:
            yield step.remove_file(path, before)


def _holds(state: HostState, noted: Ledger) -> Iterator[Step]:
    ours = tuple(name for name in noted.holds if name in state.holds)
    if ours:
        yield step.do(
            f"hold {' '.join(ours)} no longer",
            lambda machine: _ignore(machine.run(["apt-mark", "unhold", *ours]).check()),
            header="apt-mark showhold",
            before=" ".join(ours),
        )


def _pin(state: HostState, noted: Ledger) -> Iterator[Step]:
    if not noted.pinned or state.boot is None or not state.boot.pinned:
        return
    if noted.pin_before in state.kernels:
        kernel = noted.pin_before
        yield step.do(f"pin kernel {kernel}", lambda machine: boot.pin(machine, kernel), header="proxmox-boot-tool")
    else:
        yield step.do("pin no kernel", boot.unpin, header="proxmox-boot-tool", before=f"{state.boot.pinned} is pinned")


def _forget(_machine: Machine) -> None:
    files.remove(places.PROGRAM)
    shutil.rmtree(places.STATE, ignore_errors=True)


def _ignore(_done: object) -> None:
    """The command's result was checked."""


def note_hand_made(state: HostState, noted: Ledger) -> str:
    """What to say of a driver that somebody else installed; empty when there is none."""
    if DRIVER in state.packages and noted == ledger.Ledger():
        return f"{DRIVER} {state.packages[DRIVER]} is not this role's and stays; `apt purge {DRIVER}` removes it"
    return ""
