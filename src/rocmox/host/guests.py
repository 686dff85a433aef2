"""Guests of the node, shut down and started in PVE's order (`startup: order=…,up=…,down=…`; PVE::API2::Nodes)."""

from __future__ import annotations

import dataclasses
import re
import time
from collections.abc import Callable, Iterable

from rocmox.errors import CommandError
from rocmox.machine import Machine

_TOOLS = {"ct": "pct", "vm": "qm"}
_LAST = 1 << 30  # guests without an order start last
_START_SECONDS = 180


@dataclasses.dataclass(frozen=True, kw_only=True)
class Guest:
    """A container (`ct`) or virtual machine (`vm`); times in seconds."""

    kind: str
    vmid: int
    running: bool
    order: int = _LAST
    up_seconds: int = 0
    down_seconds: int = 60


def parse_list(kind: str, text: str) -> tuple[tuple[int, bool], ...]:
    """`pct list` (VMID Status Lock Name) and `qm list` (VMID NAME STATUS …): number, and whether it runs."""
    rows = (line.split() for line in text.splitlines())
    column = 1 if kind == "ct" else 2
    return tuple(
        (int(row[0]), row[column] == "running")
        for row in rows
        if len(row) > column and row[0].isascii() and row[0].isdecimal()
    )


def parse_startup(config: str) -> dict[str, int]:
    """`startup: order=2,up=30,down=120` (a bare number is the order) as a dictionary."""
    match = re.search(r"^startup: *(\S+)", config, re.MULTILINE)
    words = match[1].split(",") if match else []
    pairs = (word.split("=", 1) if "=" in word else ["order", word] for word in words)
    return {name: int(value) for name, value in pairs if value.isascii() and value.isdecimal()}


def read_guests(machine: Machine) -> tuple[Guest, ...]:
    """Every guest, in the order in which they start; kinds whose tool is missing have none."""
    found = []
    for kind, tool in _TOOLS.items():
        try:
            listed = parse_list(kind, machine.run([tool, "list"]).stdout)
        except CommandError:
            continue
        for vmid, running in listed:
            startup = parse_startup(machine.run([tool, "config", str(vmid)]).stdout)
            found.append(
                Guest(
                    kind=kind,
                    vmid=vmid,
                    running=running,
                    order=startup.get("order", _LAST),
                    up_seconds=startup.get("up", 0),
                    down_seconds=startup.get("down", 60 if kind == "ct" else 180),
                )
            )
    return tuple(sorted(found, key=lambda guest: (guest.order, guest.vmid)))


def shut_down(machine: Machine, guests: Iterable[Guest]) -> tuple[str, ...]:
    """Shut the running ones down, the last started first; what would not go by itself is stopped. Complaints."""
    complaints = []
    for guest in reversed([guest for guest in guests if guest.running]):
        tool, seconds = _TOOLS[guest.kind], guest.down_seconds
        argv = [tool, "shutdown", str(guest.vmid), "--forceStop", "1", "--timeout", str(seconds)]
        complaints += _complaint(machine, argv, seconds + 60)
    return tuple(complaints)


def start(
    machine: Machine,
    wanted: Iterable[tuple[str, int]],
    *,
    patience_seconds: float = 120,
    sleep: Callable[[float], None] = time.sleep,
    now: Callable[[], float] = time.monotonic,
) -> tuple[str, ...]:
    """Start these in their order unless they run; one that PVE starts at the same time is waited for. Complaints."""
    names = set(wanted)
    deadline = now() + patience_seconds
    complaints = []
    for guest in [guest for guest in read_guests(machine) if (guest.kind, guest.vmid) in names]:
        said: list[str] = []
        while not _runs(machine, guest):
            said = _complaint(machine, [_TOOLS[guest.kind], "start", str(guest.vmid)], _START_SECONDS)
            if said and now() >= deadline:
                break
            sleep(2 if said else min(guest.up_seconds, 120))
        else:
            said = []
        complaints += said
    return tuple(complaints)


def _runs(machine: Machine, guest: Guest) -> bool:
    return "status: running" in machine.run([_TOOLS[guest.kind], "status", str(guest.vmid)]).stdout


def _complaint(machine: Machine, argv: list[str], seconds: float) -> list[str]:
    try:
        done = machine.run(argv, timeout_seconds=seconds)
    except CommandError as error:
        return [error.message]
    words = (done.stderr.strip() or done.stdout.strip()).splitlines()
    return [f"{' '.join(argv[:3])}: {words[-1] if words else 'failed'}"] if done.exit_status else []


def running(guests: Iterable[Guest]) -> tuple[tuple[str, int], ...]:
    """(kind, vmid) of those that run, as the upgrade remembers them."""
    return tuple((guest.kind, guest.vmid) for guest in guests if guest.running)
