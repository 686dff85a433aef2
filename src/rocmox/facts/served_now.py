"""What a machine serves and whether it runs, as one document: `rocmox served --json`, and the look of a role."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from rocmox.facts.served import read_served, read_undescribed
from rocmox.machine.base import Machine

SCHEMA_VERSION = 1
_RUNNING = frozenset({"active", "activating", "reloading"})


@dataclasses.dataclass(frozen=True, kw_only=True)
class UnitState:
    """A systemd unit now: `running` also while it starts."""

    running: bool
    enabled: bool


def parse_unit_states(text: str) -> dict[str, UnitState]:
    """Blocks of `systemctl show --property=Id,ActiveState,UnitFileState UNIT…` by Id."""
    states = {}
    for block in text.split("\n\n"):
        shown = dict(line.partition("=")[::2] for line in block.splitlines())
        if shown.get("Id"):
            states[shown["Id"]] = UnitState(
                running=shown.get("ActiveState") in _RUNNING, enabled=shown.get("UnitFileState") == "enabled"
            )
    return states


def read_unit_states(machine: Machine, units: Sequence[str]) -> dict[str, UnitState]:
    """The state of each unit that systemd knows; empty for no units, CommandError where systemd does not answer."""
    if not units:
        return {}
    words = ["systemctl", "show", "--property=Id,ActiveState,UnitFileState", *units]
    return parse_unit_states(machine.run(words).check().stdout)


def read_document(machine: Machine, *, more_units: Sequence[str] = ()) -> dict[str, Any]:
    """Every descriptor with its address and state, the units without one, and the states of `more_units`."""
    served = read_served(machine)
    undescribed = read_undescribed(machine, served)
    states = read_unit_states(machine, [*(one.unit for one in served), *more_units])
    silent = UnitState(running=False, enabled=False)
    return {
        "schema_version": SCHEMA_VERSION,
        "served": [
            {
                **dataclasses.asdict(one),
                "base_url": one.base_url,
                "health_url": one.health_url,
                **dataclasses.asdict(states.get(one.unit, silent)),
            }
            for one in served
        ],
        "undescribed": [
            {"unit": unit.unit, "computes": unit.computes, "summary": unit.summary, "remedy": unit.remedy}
            for unit in undescribed
        ],
        "units": {unit: dataclasses.asdict(states.get(unit, silent)) for unit in more_units},
    }


def main(request: dict[str, Any]) -> dict[str, Any]:
    """The look of a role in a guest (machine/carried.py); the request names `more_units`."""
    from rocmox.machine.local import LocalMachine  # noqa: PLC0415 - the other machines are not asked here

    return read_document(LocalMachine(), more_units=request.get("more_units", ()))
