"""`rocmox host`: on a node, its driver and kernels: look, apply, the hook of apt, and a kernel on trial."""

from __future__ import annotations

import argparse

from rocmox.cli.host_driver import run_apply, run_look
from rocmox.cli.host_events import run_hook, run_start_guests, run_trial
from rocmox.cli.host_upgrade import STAGES, run_upgrade


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """One word for each thing that the role, the hooks and the units ask for."""
    words = parser.add_subparsers(
        dest="word", required=True, metavar="look|apply|kernel-hook|upgrade|trial|start-guests"
    )
    for word, text in (
        ("look", "show what is, what stands in the way, what would be done"),
        ("apply", "look, then do it"),
    ):
        one = words.add_parser(word, help=text)
        _add_desired(one, required=True)
        one.set_defaults(action=run_look if word == "look" else run_apply)
    hook = words.add_parser("kernel-hook", help="called by the hooks of /etc/kernel and of apt")
    hook.add_argument("event", choices=("built", "removed", "after-apt"))
    hook.add_argument("kernel", nargs="?", default="")
    hook.set_defaults(action=run_hook)
    upgrade = words.add_parser("upgrade", help="move to another kernel")
    upgrade.add_argument("stage", choices=STAGES)
    _add_desired(upgrade)
    upgrade.set_defaults(action=run_upgrade)
    trial = words.add_parser("trial", help="called at boot by the units of a kernel on trial")
    trial.add_argument("stage", choices=("judge", "guests"))
    trial.set_defaults(action=run_trial)
    start = words.add_parser("start-guests", help="start guests unless they run")
    start.add_argument("guest", nargs="*", metavar="ct:VMID|vm:VMID")
    _add_desired(start)
    start.set_defaults(action=run_start_guests)


def _add_desired(parser: argparse.ArgumentParser, *, required: bool = False) -> None:
    """`--wish` is its name in 0.1, which a host may still call."""
    text = "the desired state; -: from stdin" + ("" if required else "; default: the one on the host")
    parser.add_argument("--desired", "--wish", required=required, default="", metavar="JSON", help=text)


def run(arguments: argparse.Namespace) -> int:
    """JSON on standard output; 0 done or nothing to do, 2 refused or failed."""
    code: int = arguments.action(arguments)
    return code
