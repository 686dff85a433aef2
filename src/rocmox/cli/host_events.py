"""`rocmox host kernel-hook`, `trial` and `start-guests`: what apt, the units at boot and the role after one call."""

from __future__ import annotations

import argparse

from rocmox.cli.exit_codes import FAIL, PASS
from rocmox.cli.host_desired import read_stored
from rocmox.errors import RocmoxError, UsageError
from rocmox.host import guests
from rocmox.host.kernels import hook
from rocmox.host.state import read_here
from rocmox.host.upgrade import trial
from rocmox.machine import LocalMachine
from rocmox.report.document import print_document


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
    return PASS


def run_trial(arguments: argparse.Namespace) -> int:
    """At boot: judge the kernel, or start the guests."""
    root = read_stored().root
    machine = LocalMachine(root="/")
    if arguments.stage == "judge":
        print(trial.judge(machine, lambda: read_here(root)[2], root=root))
        return PASS
    complaints = trial.start_guests(machine)
    print("\n".join(complaints) or "the guests run")
    return FAIL if complaints else PASS


def run_start_guests(arguments: argparse.Namespace) -> int:
    """Start these guests unless they run; a plain reboot is over then."""
    wanted = [(kind, int(vmid)) for kind, _, vmid in (word.partition(":") for word in arguments.guest)]
    complaints = guests.start(LocalMachine(root="/"), wanted)
    trial.end_plain_reboot()
    print_document({"schema_version": 1, "error": "; ".join(complaints), "changed": False})
    return FAIL if complaints else PASS
