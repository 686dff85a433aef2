"""`rocmox host`: on a node, its driver and kernels: look, apply, the hook of apt, and a kernel on trial."""

from __future__ import annotations

import argparse

from rocmox.host.commands import run_apply, run_hook, run_look, run_start_guests, run_trial, run_upgrade


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """One word for each thing that the role, the hooks and the units ask for."""
    words = parser.add_subparsers(
        dest="word", required=True, metavar="look|apply|kernel-hook|upgrade|trial|start-guests"
    )
    for word, text in (("look", "what is, what stands in the way, what would be done"), ("apply", "look, then do it")):
        one = words.add_parser(word, help=text)
        one.add_argument("--wish", required=True, metavar="JSON", help="what the role wishes; -: from stdin")
        one.set_defaults(action=run_look if word == "look" else run_apply)
    hook = words.add_parser("kernel-hook", help="called by the hooks of /etc/kernel and of apt")
    hook.add_argument("event", choices=("built", "removed", "after-apt"))
    hook.add_argument("kernel", nargs="?", default="")
    hook.set_defaults(action=run_hook)
    upgrade = words.add_parser("upgrade", help="to another kernel")
    upgrade.add_argument("stage", choices=("plan", "prepare", "switch", "confirm", "back", "ready", "reboot", "report"))
    upgrade.add_argument("--wish", default="", metavar="JSON", help="-: from stdin; default: the one on the node")
    upgrade.set_defaults(action=run_upgrade)
    trial = words.add_parser("trial", help="called at boot by the units of a kernel on trial")
    trial.add_argument("stage", choices=("judge", "guests"))
    trial.set_defaults(action=run_trial)
    start = words.add_parser("start-guests", help="start guests unless they run")
    start.add_argument("guest", nargs="*", metavar="ct:VMID|vm:VMID")
    start.add_argument("--wish", help="not used; the role gives it to every word")
    start.set_defaults(action=run_start_guests)


def run(arguments: argparse.Namespace) -> int:
    """JSON on standard output; 0 done or nothing to do, 2 refused or failed."""
    code: int = arguments.action(arguments)
    return code
