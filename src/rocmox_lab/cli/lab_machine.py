"""`rocmox lab machine up|down|…`: a whole machine in QEMU, for what containers cannot show."""

from __future__ import annotations

import argparse
import dataclasses
import json

from rocmox.cli.exit_codes import FAIL, PASS
from rocmox.errors import UsageError
from rocmox.machine import Machine
from rocmox_lab.progress import Progress
from rocmox_lab.vm import lifecycle, qemu, snapshots
from rocmox_lab.vm.places import MachinePlaces, require_state

SUMMARY = "a whole machine in QEMU: real kernels, GRUB, AMD's and Proxmox's apt sources"
_PLAIN = {"down": lifecycle.down, "off": lifecycle.power_off, "cut": lifecycle.cut}
_WITH_WORD = {"offer": lifecycle.offer, "save": snapshots.save, "restore": snapshots.restore, "copy": snapshots.copy}
STEPS = ("up", *_PLAIN, *_WITH_WORD, "status")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`off` shuts down, `cut` takes the power away, `offer` switches what Proxmox's source holds."""
    parser.add_argument("step", choices=STEPS, metavar="|".join(STEPS))
    parser.add_argument(
        "word", nargs="?", help="of offer: the source's stage; of save, restore: the snapshot; of copy: its name"
    )


def run(machine: Machine, name: str, arguments: argparse.Namespace) -> int:
    """Dispatch one step."""
    step, word = arguments.step, arguments.word
    if (step in _WITH_WORD) != bool(word):
        raise UsageError(f"{step} {word or ''}: a word belongs to {', '.join(_WITH_WORD)}, and to nothing else")
    if step == "up":
        lifecycle.up(machine, name, Progress())
    elif step in _PLAIN:
        _PLAIN[step](name)
    elif step in _WITH_WORD:
        _WITH_WORD[step](name, word)
    else:
        running = qemu.running_pid(MachinePlaces(name=name).pid_file) is not None
        print(json.dumps({**dataclasses.asdict(require_state(name)), "running": running}, indent=2))
        return PASS if running else FAIL
    return PASS
