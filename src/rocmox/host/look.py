"""`rocmox host look` and `apply`: state, problems, offer and plan of one node, in this order."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import rocmox
from rocmox.errors import RefusedError, RocmoxError
from rocmox.host import files, guests, places, step
from rocmox.host.desired import DesiredHost
from rocmox.host.kernels.startup import reboot_reasons
from rocmox.host.ledger import read_ledger
from rocmox.host.packages.installed import note_hand_made
from rocmox.host.packages.resolve import DRIVER, Offer, ask, check_headers
from rocmox.host.packages.source import is_settled
from rocmox.host.plan import plan, plan_removal
from rocmox.host.problems import desired_kernel, find_problems, notes
from rocmox.host.state import HostState, read_here, require_pve
from rocmox.host.step import Step
from rocmox.machine import Machine


@dataclasses.dataclass(frozen=True, kw_only=True)
class Look:
    """A host beside what is desired: `problems` stop it before a change, `steps` are what is to be done."""

    state: HostState
    steps: tuple[Step, ...]
    problems: tuple[str, ...]
    notes: tuple[str, ...]
    reboot: tuple[str, ...]
    guests: tuple[str, ...] = ()


def look(machine: Machine, state: HostState, desired: DesiredHost, *, desired_text: str) -> Look:
    """Everything known before the first change; what cannot be had from the sources is a problem."""
    require_pve(state)
    problems = find_problems(state, desired)
    steps: tuple[Step, ...] = ()
    if not desired.wants_dkms:
        steps = plan_removal(state, desired, read_ledger(), files.read)
        hand_made = note_hand_made(state, read_ledger())
        return _look(machine, state, desired, steps=steps, problems=problems, more=(hand_made,) if hand_made else ())
    if not problems:
        try:
            offer = offer_for(machine, state, desired)
            steps = (*own_files(desired_text), *plan(state, desired, offer, files.read))
        except RefusedError as error:
            problems = (str(error),)
    return _look(machine, state, desired, steps=steps, problems=problems)


def _look(
    machine: Machine,
    state: HostState,
    desired: DesiredHost,
    *,
    steps: tuple[Step, ...],
    problems: tuple[str, ...] = (),
    more: tuple[str, ...] = (),
) -> Look:
    reboot = reboot_reasons(state, desired)
    return Look(
        state=state,
        steps=steps,
        problems=problems,
        notes=(*notes(state, desired), *more),
        reboot=reboot,
        guests=running_guests(machine) if reboot else (),
    )


def running_guests(machine: Machine) -> tuple[str, ...]:
    """`ct:101` for each guest that runs."""
    return tuple(f"{guest.kind}:{guest.vmid}" for guest in guests.read_guests(machine) if guest.running)


def offer_for(machine: Machine, state: HostState, desired: DesiredHost) -> Offer:
    """What the sources offer; they are not asked when everything is in place."""
    if is_settled(state, desired, files.read):
        return Offer(version=state.packages[DRIVER], keyring=files.read(places.KEYRING) or "")
    offer = ask(machine, state, desired)
    check_headers(state, offer, desired_kernel(state, desired))
    return offer


def own_files(desired_text: str) -> tuple[Step, ...]:
    """This program for hooks and units, and the document that they read."""
    steps = []
    archive = own_archive()
    if archive.is_file():
        content = archive.read_bytes()
        installed = Path(places.PROGRAM)
        if not installed.exists() or installed.read_bytes() != content:
            steps.append(
                step.do(
                    f"install {places.PROGRAM}",
                    lambda _machine: files.write(places.PROGRAM, content, mode=0o755),
                    header=places.PROGRAM,
                    before="another version" if installed.exists() else "",
                    after="this version",
                )
            )
    if files.read(places.DESIRED) != desired_text:
        steps.append(step.write_file(places.DESIRED, desired_text, files.read(places.DESIRED), mode=0o600))
    return tuple(steps)


def own_archive() -> Path:
    """The zipapp that this code runs from (the folder of sources on a controller)."""
    return Path(rocmox.__file__).resolve().parents[1]


def apply(machine: Machine, steps: tuple[Step, ...]) -> tuple[list[str], str]:
    """Carry the steps out in turn; (what was done, what stopped it)."""
    done: list[str] = []
    for one in steps:
        try:
            one.action(machine)
        except RocmoxError as error:
            return done, f"{one.text}: {error}"
        done.append(one.text)
    return done, ""


def reread(found: Look, desired: DesiredHost) -> Look:
    """The same look with the state after the steps: whether a reboot is needed is known only now."""
    machine, _, state = read_here(desired.root)
    return _look(machine, state, desired, steps=found.steps)


def read_now(root: str) -> tuple[Machine, HostState]:
    """This node and its state."""
    machine, _, state = read_here(root)
    return machine, state
