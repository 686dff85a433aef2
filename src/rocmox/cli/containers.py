"""`rocmox containers plan|apply|drift`: the inventory's `gpu_containers` against a Proxmox VE node."""

from __future__ import annotations

import argparse
import difflib
import sys

from rocmox.cli.exit_codes import PASS, WARNING
from rocmox.containers.difference import describe_difference
from rocmox.containers.inventory import read_hosts
from rocmox.containers.session import Session, open_session
from rocmox.report.document import print_document

SUMMARY = "wished containers (inventory) against found ones (Proxmox VE): plan, apply, drift"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `rocmox containers`."""
    parser.add_argument("action", choices=["plan", "apply", "drift"])
    parser.add_argument("--inventory", default="inventory/lab", metavar="DIR", help="Ansible inventory (%(default)s)")
    parser.add_argument("--limit", default="", metavar="HOST", help="only this node of the inventory")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")


def run(arguments: argparse.Namespace) -> int:
    """plan, drift: 0 nothing to do, 1 changes pending. apply: 0 done. Everywhere: 2 refused or failed."""
    sessions = [open_session(host) for host in read_hosts(arguments.inventory, limit=arguments.limit)]
    for session in sessions:
        for warning in session.warnings():
            print(f"rocmox: {warning}", file=sys.stderr)
    document = {"schema_version": 1, "nodes": [_node(session) for session in sessions]}
    pending = any(session.plan.steps for session in sessions)
    if arguments.action == "apply":
        for session, entry in zip(sessions, document["nodes"], strict=True):  # type: ignore[call-overload]
            outcome = session.apply()
            entry["done"] = list(outcome.done)
            for warning in outcome.warnings:
                print(f"rocmox: {session.host}: {warning}", file=sys.stderr)
    if arguments.json:
        print_document(document)
    else:
        for session in sessions:
            _print(session)
    return WARNING if pending and arguments.action != "apply" else PASS


def _node(session: Session) -> dict[str, object]:
    return {"host": session.host, "node": session.node.name, "steps": [str(step) for step in session.plan.steps]}


def _print(session: Session) -> None:
    if not session.plan.steps:
        print(f"{session.host}: nothing to do")
    for step in session.plan.steps:
        print(f"{session.host}: {step}")
    for container in session.plan.containers:
        before, after = (text.splitlines() for text in describe_difference(container))
        label = f"container {container.wish.spec.vmid}"
        for line in difflib.unified_diff(before, after, f"{label}: found", f"{label}: wished", lineterm="", n=1):
            print(line)
