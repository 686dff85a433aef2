"""What the words of `rocmox host` do. JSON goes to standard output alone."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from typing import Any

from rocmox.errors import CannotLookError, RefusedError, RocmoxError, UsageError
from rocmox.host import answers, files, guests, hook, look, places, trial, upgrade
from rocmox.host.state import read_here
from rocmox.host.wish import HostWish, parse_wish, stored_text
from rocmox.machine import LocalMachine

_ANSWER_SECONDS = 900
_FAILED = 2


def run_look(arguments: argparse.Namespace) -> int:
    """What is, what stands in the way, what would be done; 2 when something stands in the way."""
    text = _wished(arguments)
    wish = parse_wish(text)
    machine, state = look.read_now(wish.root)
    found = look.look(machine, state, wish, wish_text=stored_text(text))
    _print(look.document(found, [], ""))
    return _FAILED if found.problems else 0


def run_apply(arguments: argparse.Namespace) -> int:
    """The same, and then the steps; what must be rebooted for is judged afterwards."""
    text = _wished(arguments)
    wish = parse_wish(text)
    machine, state = look.read_now(wish.root)
    found = look.look(machine, state, wish, wish_text=stored_text(text))
    if found.problems:
        _print(look.document(found, [], ""))
        return _FAILED
    done, error = look.apply(machine, found.steps)
    after = look.reread(found, wish) if done else found
    _print(look.document(after, done, error))
    return _FAILED if error else 0


def run_hook(arguments: argparse.Namespace) -> int:
    """Always 0: apt goes on, whatever happens to a module."""
    machine = LocalMachine(root="/")
    try:
        if arguments.event == "after-apt":
            hook.after_apt(machine)
        elif not arguments.kernel:
            raise UsageError("the hook needs the kernel's release as its last word")
        elif arguments.event == "removed":
            hook.kernel_removed(arguments.kernel)
        else:
            hook.kernel_installed(machine, arguments.kernel)
    except (RocmoxError, OSError) as error:
        hook.say(machine, f"rocmox: the hook failed: {error}")
    return 0


def run_trial(arguments: argparse.Namespace) -> int:
    """At boot: judge the kernel, or start the guests."""
    wish = _stored_wish()
    machine = LocalMachine(root="/")
    if arguments.stage == "judge":
        print(trial.judge(machine, lambda: read_here(wish.root)[2], root=wish.root))
        return 0
    complaints = trial.start_guests(machine)
    print("\n".join(complaints) or "the guests run")
    return _FAILED if complaints else 0


def run_upgrade(arguments: argparse.Namespace) -> int:
    """One stage of an upgrade; `error` says what failed."""
    if arguments.wish:
        wish = parse_wish(_wished(arguments))
    else:
        wish = HostWish() if arguments.stage == "reboot" else _stored_wish()  # after removal none is stored
    stages: dict[str, Callable[[HostWish], dict[str, Any]]] = {
        "plan": _plan,
        "prepare": _prepare,
        "switch": _switch,
        "confirm": _confirm,
        "back": _back,
        "ready": _ready,
        "reboot": _reboot,
        "report": lambda _wish: {**files.read_document(places.LAST_UPGRADE)},
    }
    try:
        document = {"error": "", **stages[arguments.stage](wish)}
    except CannotLookError:
        raise
    except RocmoxError as error:
        began = arguments.stage == "prepare" and not isinstance(error, RefusedError)
        document = {"error": str(error), "changed": began}
    _print({"schema_version": 1, **document})
    return _FAILED if document["error"] else 0


def _plan(wish: HostWish) -> dict[str, Any]:
    machine, _, state = read_here(wish.root)
    found = upgrade.plan_upgrade(machine, state, wish)
    return _planned(found)


def _planned(found: upgrade.UpgradePlan) -> dict[str, Any]:
    before = f"kernel {found.old} boots\n"
    after = before if found.phase == "nothing" else f"kernel {found.new} boots\n"
    return {
        "old": found.old,
        "new": found.new,
        "phase": found.phase,
        "steps": list(found.todo),
        "changed": found.phase != "nothing",
        "diff": [{"before_header": "next boot", "after_header": "next boot", "before": before, "after": after}],
    }


def _prepare(wish: HostWish) -> dict[str, Any]:
    machine, _, state = read_here(wish.root)
    found = upgrade.plan_upgrade(machine, state, wish)
    if found.phase == "nothing":
        return {**_planned(found), "changed": False}
    if found.phase == "build" or not files.read_document(places.UPGRADE).get("built_at"):
        before = files.read_document(places.UPGRADE)
        if before.get("new") != found.new:
            files.remove(places.UPGRADE)  # of an earlier target
        cut_off = before.get("phase") == "building"
        upgrade.save(old=found.old, new=found.new, phase="building", verdicts=trial.verdicts(machine, wish.root))
        try:
            upgrade.prepare(machine, state, found, cut_off=cut_off)
        except RocmoxError as error:
            upgrade.fail(str(error))
            raise
    _, _, state = read_here(wish.root)
    return {**_planned(found), "phase": "confirm" if state.running == found.new else "boot"}


def _switch(wish: HostWish) -> dict[str, Any]:
    machine, _, state = read_here(wish.root)
    upgrade.switch(machine, state)
    return {"changed": True}


def _confirm(wish: HostWish) -> dict[str, Any]:
    machine, _, state = read_here(wish.root)
    document = files.read_document(places.UPGRADE)
    if document.get("phase") == "failed":
        return {"error": str(document.get("error") or "the kernel on trial failed"), "changed": True}

    def ask() -> list[str]:
        vmids = [vmid for kind, vmid in trial.guests_of(document) if kind == "ct"]
        return answers.unanswered(machine, vmids, patience_seconds=_ANSWER_SECONDS)

    if wrong := trial.confirm(machine, state, wish.root, answers=ask):
        upgrade.save(phase="failed", error="; ".join(wrong))
        return {"error": "; ".join(wrong), "changed": True}
    return {**upgrade.conclude(machine, state), "changed": True}


def _back(wish: HostWish) -> dict[str, Any]:
    """The old kernel is what boots, the guests are up; `reboot` says that the node is not there yet."""
    machine, _, state = read_here(wish.root)
    document = files.read_document(places.UPGRADE)
    old = str(document.get("old", ""))
    if old and state.running != old and state.built(old):
        upgrade.secure(machine, state, old)
        return {"reboot": True, "changed": True}
    complaints = trial.start_guests(machine)
    report = upgrade.fail("the new kernel was not confirmed")
    return {
        **report,
        "reboot": False,
        "changed": True,
        "error": "",
        "failure": report["error"],
        "guests": list(complaints),
    }


def _ready(_wish: HostWish) -> dict[str, Any]:
    """This program where a reboot finds it, and forgets it, even when removal has taken the installed one away."""
    files.write(places.REBOOT_PROGRAM, look.own_archive().read_bytes(), mode=0o755)
    return {"changed": False}


def _reboot(_wish: HostWish) -> dict[str, Any]:
    """Guests down in their order, then a plain reboot; the unit at boot starts them again."""
    machine = LocalMachine(root="/")
    upgrade.reboot(machine)
    return {"changed": True}


def run_start_guests(arguments: argparse.Namespace) -> int:
    """Start these guests unless they run; a plain reboot is over then."""
    machine = LocalMachine(root="/")
    wanted = [(kind, int(vmid)) for kind, _, vmid in (word.partition(":") for word in arguments.guest)]
    complaints = guests.start(machine, wanted)
    if files.read_document(places.UPGRADE).get("phase") == "reboot":
        files.remove(places.UPGRADE)
    _print({"schema_version": 1, "error": "; ".join(complaints), "changed": False})
    return _FAILED if complaints else 0


def _stored_wish() -> HostWish:
    text = files.read(places.WISH)
    if not text:
        raise UsageError(f"{places.WISH} is not there", remedy="The role amdgpu_host writes it; or give --wish.")
    return parse_wish(text)


def _wished(arguments: argparse.Namespace) -> str:
    """The wish; `-` is read from standard input, so that a proxy's password is not on a command line."""
    text: str = arguments.wish
    return sys.stdin.read() if text == "-" else text


def _print(document: dict[str, Any]) -> None:
    print(json.dumps(document, indent=2, ensure_ascii=False))
