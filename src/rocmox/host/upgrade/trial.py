"""A kernel on trial: judged by the node itself at boot, and confirmed when everything serves as before."""

from __future__ import annotations

import dataclasses
import json
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from rocmox.facts.dkms import installed_for
from rocmox.host import files, guests, places
from rocmox.host.state import MODULE, HostState
from rocmox.host.upgrade.record import Phase, UpgradeRecord, read_record, write_record
from rocmox.host.upgrade.steps import cards_of, secure
from rocmox.machine import Machine

_CARD_SECONDS = 90
_WISHES = "/etc/rocmox/containers"
_BAD = {"FAIL", "CRIT"}
_FINE = {"PASS", "WARN", "NOT_APPLICABLE"}
# Exit codes of `rocmox`: 64 is a command that this build does not have.
_NO_SUCH_COMMAND = 64


def faults(state: HostState, record: UpgradeRecord) -> list[str]:
    """What is wrong with the new kernel's driver and cards; empty when all is as before."""
    new = record.new
    found = []
    if state.running != new:
        return [f"kernel {state.running} runs, and {new} was to be tried"]
    if installed_for(state.dkms, MODULE, new) is None:
        found.append(f"dkms has no amdgpu installed for {new}")
    if not state.module.loaded:
        found.append(f"amdgpu is not loaded on {new}")
    elif state.module.kind != "dkms":
        found.append(f"the kernel's own amdgpu is loaded on {new}, not the one that was built")
    before = {(card.pci_address, card.unique_id) for card in record.cards}
    now = {(card.pci_address, card.unique_id) for card in cards_of(state)}
    bound = {gpu.pci_address for gpu in state.gpus if gpu.driver == MODULE and gpu.render is not None}
    found += [f"card {address} ({unique}) is gone" for address, unique in sorted(before - now, key=str)]
    found += [
        f"card {card[0]} has no driver or no render node" for card in sorted(now, key=str) if card[0] not in bound
    ]
    return found


def judge(
    machine: Machine,
    read_state: Callable[[], HostState],
    *,
    root: str = "/",
    sleep: Callable[[float], None] = time.sleep,
    now: Callable[[], float] = time.monotonic,
) -> str:
    """At boot, before the guests: `fine`, `back` (rebooting into the old kernel) or `old` (the old one came up)."""
    record = read_record()
    if record is None or record.phase is not Phase.TRIAL:
        return "none"
    machine.run(["modprobe", MODULE], timeout_seconds=300)
    deadline = now() + _CARD_SECONDS
    state = read_state()
    while (wrong := faults(state, record)) and state.running == record.new and now() < deadline:
        sleep(2)
        state = read_state()
    if not wrong:
        write_record(dataclasses.replace(record, phase=Phase.BOOTED, booted_at=time.time()))
        _repair(machine, root)
        return "fine"
    write_record(dataclasses.replace(record, phase=Phase.FAILED, error="; ".join(wrong)))
    if state.running != record.new:
        return "old"
    go_back(machine, state, record.old)
    return "back"


def go_back(machine: Machine, state: HostState, old: str) -> None:
    """The old kernel is what boots from now on; reboot into it, but never into one without a module."""
    secure(machine, state, old)
    if not state.built(old) or state.running == old:
        return
    machine.run(["systemctl", "reboot"]).check()


def start_guests(machine: Machine) -> tuple[str, ...]:
    """Those that ran before, in their order; the end of the downtime. Complaints."""
    record = read_record()
    if record is None:
        return ()
    complaints = guests.start(machine, record.guests)
    if record.phase is Phase.REBOOT:
        files.remove(places.UPGRADE)  # a plain reboot ends here
    elif not record.up_at:
        write_record(dataclasses.replace(record, up_at=time.time(), guest_complaints=complaints))
    return complaints


def end_plain_reboot() -> None:
    """The guests were started by somebody else; an upgrade's record stays."""
    record = read_record()
    if record and record.phase is Phase.REBOOT:
        files.remove(places.UPGRADE)


def _repair(machine: Machine, root: str) -> None:
    """Containers follow cards that changed their numbers, before they start (as gpu_container's unit at boot)."""
    if machine.exists(_WISHES):
        run_rocmox(machine, ["repair", "--wait-seconds", "60"], root)


def run_rocmox(machine: Machine, words: list[str], root: str) -> tuple[int, dict[str, Any]]:
    """Another command of this program: exit code and JSON document (empty when it wrote none)."""
    argv = [sys.executable, "-I", places.PROGRAM, *words]
    done = machine.run(argv, timeout_seconds=900, environment={"ROCMOX_ROOT": root})
    try:
        document = json.loads(done.stdout)
    except ValueError:
        document = {}
    return done.exit_status, document if isinstance(document, dict) else {}


def verdicts(machine: Machine, root: str) -> dict[str, str]:
    """`check/code-less subject` → verdict of `rocmox health` at level 1 on the node, and of p2p and mes."""
    found: dict[str, str] = {}
    _, document = run_rocmox(machine, ["health", "--level", "1", "--json"], root)
    for result in document.get("results", []):
        found[f"{result['check']} {result['subject']}"] = _worse(
            found.get(f"{result['check']} {result['subject']}"), result["verdict"]
        )
    for command in ("p2p", "mes"):
        status, answer = run_rocmox(machine, [command, "--json"], root)
        if status != _NO_SUCH_COMMAND:
            found[command] = str(answer.get("verdict", "UNKNOWN"))
    return found


def _worse(one: str | None, other: str) -> str:
    order = ("CRIT", "FAIL", "UNKNOWN", "WARN", "PASS", "NOT_APPLICABLE")
    return min((one or "NOT_APPLICABLE", other), key=order.index)


def regressions(before: Mapping[str, str], after: dict[str, str]) -> list[str]:
    """Checks that are worse than before; UNKNOWN counts only where it was known before, what failed before does not."""
    found = []
    for name, verdict in sorted(after.items()):
        was = before.get(name)
        if (verdict in _BAD and was not in _BAD) or (verdict == "UNKNOWN" and was in _FINE - {"NOT_APPLICABLE"}):
            found.append(f"{name}: {verdict}, was {was or 'not there'}")
    return found


def confirm(
    machine: Machine, state: HostState, record: UpgradeRecord, root: str, *, answers: Callable[[], list[str]]
) -> list[str]:
    """Everything that must hold before the new kernel is pinned for good; the reasons why it does not."""
    wrong = faults(state, record)
    if wrong:
        return wrong
    wrong += list(start_guests(machine))
    if machine.exists(_WISHES):
        status, _ = run_rocmox(machine, ["repair", "--dry-run"], root)
        if status == 1:
            wrong.append("containers still name nodes of cards that changed their numbers")
    wrong += regressions(record.verdicts, verdicts(machine, root))
    return wrong or answers()


def give_up(wrong: list[str]) -> str:
    """Note why the new kernel does not stay, for the run that goes back; the reason."""
    reason = "; ".join(wrong)
    record = read_record() or UpgradeRecord(phase=Phase.FAILED)
    write_record(dataclasses.replace(record, phase=Phase.FAILED, error=reason))
    return reason
