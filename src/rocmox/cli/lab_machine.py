"""`rocmox lab machine up|down|status|off|cut|offer`: a whole machine in QEMU, for what containers cannot show."""

from __future__ import annotations

import argparse
import dataclasses
import json

from rocmox.cli.exit_codes import FAIL, PASS
from rocmox.errors import UsageError
from rocmox.lab.progress import Progress
from rocmox.lab.vm import lifecycle, qemu
from rocmox.lab.vm.places import MachinePlaces, require_state
from rocmox.lab.vm.repositories import STAGES
from rocmox.machine import Machine

SUMMARY = "a whole machine in QEMU: real kernels, GRUB, AMD's and Proxmox's apt sources"
ACTIONS = ("up", "down", "status", "off", "cut", "offer")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`off` shuts down, `cut` takes the power away, `offer STAGE` switches what Proxmox's source holds."""
    parser.add_argument("step", choices=ACTIONS, metavar="|".join(ACTIONS))
    parser.add_argument("stage", nargs="?", choices=STAGES, help="with offer: the newest kernel of Proxmox's source")


def run(machine: Machine, name: str, arguments: argparse.Namespace) -> int:
    """Dispatch one step."""
    if (arguments.step == "offer") != bool(arguments.stage):
        raise UsageError("a stage belongs to offer", remedy=f"`rocmox lab machine offer {'|'.join(STAGES)}`")
    if arguments.step == "up":
        lifecycle.up(machine, name, Progress())
    elif arguments.step == "down":
        lifecycle.down(name)
    elif arguments.step == "off":
        lifecycle.power_off(name)
    elif arguments.step == "cut":
        lifecycle.cut(name)
    elif arguments.step == "offer":
        lifecycle.offer(name, arguments.stage)
    else:
        running = qemu.running_pid(MachinePlaces(name=name).pid_file) is not None
        print(json.dumps({**dataclasses.asdict(require_state(name)), "running": running}, indent=2))
        return PASS if running else FAIL
    return PASS
