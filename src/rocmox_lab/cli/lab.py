"""`rocmox lab up|down|status|ask|fault|machine`: the embedded Proxmox VE node."""

from __future__ import annotations

import argparse
import json
import os

from rocmox.cli.exit_codes import FAIL, PASS
from rocmox.machine import LocalMachine
from rocmox_lab import lifecycle, removal
from rocmox_lab.cli import lab_ask, lab_fault, lab_machine
from rocmox_lab.preflight import DEFAULT_NEED_GIB, require_root
from rocmox_lab.progress import Progress
from rocmox_lab.settings import GPU_PROFILES, PVE_VERSIONS, LabSettings
from rocmox_lab.status import LabStatus, read_status


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options stand after the action."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="up|down|status|ask|fault|machine")
    up = actions.add_parser("up", help="start the lab, or find it in place and refresh it")
    up.add_argument("--node", help="host name of the node (a new lab: pve1)")
    up.add_argument("--pve", choices=PVE_VERSIONS, help="Proxmox VE it answers as (a new lab: 8.4)")
    up.add_argument("--gpus", choices=GPU_PROFILES, help="constructed cards (a new lab: mi50x3)")
    up.add_argument("--need-gib", type=float, default=DEFAULT_NEED_GIB, help="free disk space to ask for (%(default)s)")
    down = actions.add_parser("down", help="remove everything the lab made on this machine; caches stay")
    status = actions.add_parser("status", help="show the lab; exit 0 when it is up, 2 when it is not")
    status.add_argument("--json", action="store_true", help="one JSON document on stdout")
    ask = actions.add_parser("ask", help="ask the model a question through the chat page")
    ask.add_argument("question")
    fault = actions.add_parser("fault", help=lab_fault.SUMMARY)
    lab_fault.add_arguments(fault)
    booted = actions.add_parser("machine", help=lab_machine.SUMMARY)
    lab_machine.add_arguments(booted)
    for action in (up, down, status, ask, fault, booted):
        action.add_argument("--name", default=os.environ.get("ROCMOX_LAB") or "default", help="which lab (%(default)s)")


def run(arguments: argparse.Namespace) -> int:
    """Dispatch one action."""
    machine, name = LocalMachine(root="/"), LabSettings(name=arguments.name or "default").name
    require_root(os.geteuid())
    if arguments.action == "up":
        wishes = {"node": arguments.node, "pve_version": arguments.pve, "gpus": arguments.gpus}
        lifecycle.up(machine, lifecycle.LabRequest(name=name, need_gib=arguments.need_gib, **wishes), Progress())
        return PASS
    if arguments.action == "down":
        removal.down(machine, name, Progress())
        return PASS
    if arguments.action == "ask":
        return lab_ask.ask(machine, name, arguments.question)
    if arguments.action == "fault":
        return lab_fault.run(machine, name, arguments)
    if arguments.action == "machine":
        return lab_machine.run(machine, name, arguments)
    status = read_status(machine, name)
    print(json.dumps(status.as_document(), indent=2) if arguments.json else _text(status))
    return PASS if status.up else FAIL


def _text(status: LabStatus) -> str:
    return "\n".join(f"{key:<20}{value}" for key, value in status.as_document().items())
