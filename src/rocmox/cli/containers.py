"""`rocmox containers plan|apply|drift|adopt`: the inventory's `gpu_containers` against a Proxmox VE node."""

from __future__ import annotations

import argparse

from rocmox.cli.exit_codes import PASS, WARNING
from rocmox.containers.session import open_adoption, open_comparison
from rocmox.containers.spec.inventory import read_hosts
from rocmox.report.containers import describe, print_steps, say
from rocmox.report.document import print_document


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `rocmox containers`."""
    parser.add_argument("action", choices=["plan", "apply", "drift", "adopt"])
    parser.add_argument("--inventory", default="inventory/lab", metavar="DIR", help="Ansible inventory (%(default)s)")
    parser.add_argument("--limit", default="", metavar="HOST", help="only this node of the inventory")
    parser.add_argument("--migrate-legacy", action="store_true", help="turn raw lxc.* lines that pass GPUs into devN")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")


def run(arguments: argparse.Namespace) -> int:
    """plan, drift: 0 nothing to do, 1 changes pending. apply, adopt: 0 done. Everywhere: 2 refused or failed.

    Every node is looked at before the first one is changed.
    """
    hosts = read_hosts(arguments.inventory, limit=arguments.limit)
    sessions = [
        open_adoption(host)
        if arguments.action == "adopt"
        else open_comparison(host, migrate_legacy=arguments.migrate_legacy)
        for host in hosts
    ]
    nodes = []
    for session in sessions:
        say(session.host, [session.access.description, *session.warnings()])
        outcome = session.apply() if arguments.action in {"apply", "adopt"} else None
        say(session.host, outcome.warnings if outcome else ())
        nodes.append(describe(session, outcome))
        if not arguments.json:
            print_steps(session)
    if arguments.json:
        print_document({"schema_version": 1, "nodes": nodes})
    drifted = any(session.has_drifted for session in sessions)
    return WARNING if arguments.action in {"plan", "drift"} and drifted else PASS
