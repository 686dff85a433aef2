"""`rocmox host look` and `apply`: state, problems, offer and plan of one node, in this order."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import rocmox
from rocmox.errors import RefusedError, RocmoxError
from rocmox.facts.kernels import headers_packages
from rocmox.host import files, guests, places, step
from rocmox.host.ledger import read_ledger
from rocmox.host.plan import is_settled, plan
from rocmox.host.problems import find_problems, notes, wished_kernel
from rocmox.host.removal import note_hand_made, plan_removal
from rocmox.host.resolve import DRIVER, Offer, ask
from rocmox.host.startup import reboot_reasons
from rocmox.host.state import HostState, read_here, require_pve
from rocmox.host.step import Step
from rocmox.host.wish import HostWish
from rocmox.machine import Machine


@dataclasses.dataclass(frozen=True, kw_only=True)
class Look:
    """A node beside its wish: `problems` stop it before a change, `steps` are what is to be done."""

    state: HostState
    steps: tuple[Step, ...]
    problems: tuple[str, ...]
    notes: tuple[str, ...]
    reboot: tuple[str, ...]
    guests: tuple[str, ...] = ()


def look(machine: Machine, state: HostState, wish: HostWish, *, wish_text: str) -> Look:
    """Everything known before the first change; what cannot be had from the sources is a problem."""
    require_pve(state)
    problems = find_problems(state, wish)
    steps: tuple[Step, ...] = ()
    if not wish.wants_dkms:
        steps = plan_removal(state, wish, read_ledger(), files.read)
        hand_made = note_hand_made(state, read_ledger())
        return _look(machine, state, wish, steps=steps, problems=problems, more=(hand_made,) if hand_made else ())
    if not problems:
        try:
            offer = offer_for(machine, state, wish)
            steps = (*own_files(wish_text), *plan(state, wish, offer, files.read))
        except RefusedError as error:
            problems = (str(error),)
    return _look(machine, state, wish, steps=steps, problems=problems)


def _look(
    machine: Machine,
    state: HostState,
    wish: HostWish,
    *,
    steps: tuple[Step, ...],
    problems: tuple[str, ...] = (),
    more: tuple[str, ...] = (),
) -> Look:
    reboot = reboot_reasons(state, wish)
    return Look(
        state=state,
        steps=steps,
        problems=problems,
        notes=(*notes(state, wish), *more),
        reboot=reboot,
        guests=running_guests(machine) if reboot else (),
    )


def running_guests(machine: Machine) -> tuple[str, ...]:
    """`ct:101` for each guest that runs."""
    return tuple(f"{guest.kind}:{guest.vmid}" for guest in guests.read_guests(machine) if guest.running)


def offer_for(machine: Machine, state: HostState, wish: HostWish) -> Offer:
    """What the sources offer; they are not asked when everything is in place."""
    if is_settled(state, wish, files.read):
        return Offer(version=state.packages[DRIVER], keyring=files.read(places.KEYRING) or "")
    offer = ask(machine, state, wish)
    check_headers(state, offer, wished_kernel(state, wish))
    return offer


def check_headers(state: HostState, offer: Offer, kernel: str) -> None:
    """RefusedError when the kernel that shall boot has no headers and none can be had."""
    if kernel not in state.with_headers and kernel not in offer.headers:
        names = headers_packages(kernel, pve_major=state.pve_major)
        raise RefusedError(
            f"no source offers headers for kernel {kernel} (asked for {' and '.join(names)}), "
            "so no module can be built",
            remedy="Check the Proxmox sources (no-subscription, or enterprise): `apt update` must succeed. "
            "Headers of an old kernel vanish from them: then upgrade the kernel first.",
        )


def own_files(wish_text: str) -> tuple[Step, ...]:
    """This program for hooks and units, and the wish they read."""
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
    if files.read(places.WISH) != wish_text:
        steps.append(step.write_file(places.WISH, wish_text, files.read(places.WISH), mode=0o600))
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


def reread(found: Look, wish: HostWish) -> Look:
    """The same look with the state after the steps: whether a reboot is needed is known only now."""
    machine, _, state = read_here(wish.root)
    return _look(machine, state, wish, steps=found.steps)


def document(found: Look, done: list[str], error: str) -> dict[str, Any]:
    """What `rocmox host look|apply --json` prints."""
    return {
        "schema_version": 1,
        "changed": bool(done),
        "problems": list(found.problems),
        "notes": list(found.notes),
        "steps": [one.text for one in found.steps],
        "done": done,
        "error": error,
        "reboot": list(found.reboot),
        "boots_next": found.state.boots_next,
        "running": found.state.running,
        "guests": list(found.guests),
        "diff": [
            {"before_header": one.header, "after_header": one.header, "before": one.before, "after": one.after}
            for one in found.steps
        ],
    }


def read_now(root: str) -> tuple[Machine, HostState]:
    """This node and its state."""
    machine, _, state = read_here(root)
    return machine, state
