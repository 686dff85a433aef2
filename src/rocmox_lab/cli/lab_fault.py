"""`rocmox lab fault list|set|clear`: break a lab's node on purpose, see how often it fired, mend it."""

from __future__ import annotations

import argparse

from rocmox.cli.exit_codes import PASS
from rocmox.machine import Machine
from rocmox_lab.faults import records, registry
from rocmox_lab.faults.show import print_faults, print_set
from rocmox_lab.faults.target import lab_runs, target_of_lab

SUMMARY = "list, set and clear faults of the node"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Actions of `rocmox lab fault`."""
    parser.add_argument("fault_action", choices=["list", "set", "clear"], metavar="list|set|clear")
    parser.add_argument("fault", nargs="?", default="", metavar="NAME", help="which fault; `clear` without: all")
    parser.add_argument("values", nargs="*", metavar="KEY=VALUE", help="parameters; `list` shows them and the defaults")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")


def run(machine: Machine, lab_name: str, arguments: argparse.Namespace) -> int:
    """Dispatch one action. `list` needs no lab; `set` and `clear` show what is set afterwards."""
    action, name = arguments.fault_action, arguments.fault
    fault = registry.find_fault(name) if name or action == "set" else None
    if action == "list":
        target = target_of_lab(machine, lab_name) if lab_runs(machine, lab_name) else None
        print_faults(target, json_wanted=arguments.json, only=name)
        return PASS
    values = fault.read(arguments.values) if fault else {}
    target = target_of_lab(machine, lab_name)
    if action == "set" and fault:
        records.set_fault(target, fault, values)
    elif fault:
        records.clear_fault(target, fault.name)
    else:
        records.clear_all(target)
    print_set(target, json_wanted=arguments.json)
    return PASS
