"""`rocmox host look` and `apply`: the driver and what the host starts with."""

from __future__ import annotations

import argparse

from rocmox.cli.exit_codes import FAIL, PASS
from rocmox.cli.host_desired import given_text
from rocmox.host import look
from rocmox.host.desired import parse_desired, stored_text
from rocmox.report.document import print_document
from rocmox.report.host import look_document


def run_look(arguments: argparse.Namespace) -> int:
    """What is, what stands in the way, what would be done; 2 when something stands in the way."""
    text = given_text(arguments)
    desired = parse_desired(text)
    machine, state = look.read_now(desired.root)
    found = look.look(machine, state, desired, desired_text=stored_text(text))
    print_document(look_document(found, [], ""))
    return FAIL if found.problems else PASS


def run_apply(arguments: argparse.Namespace) -> int:
    """The same, and then the steps; what must be rebooted for is judged afterwards."""
    text = given_text(arguments)
    desired = parse_desired(text)
    machine, state = look.read_now(desired.root)
    found = look.look(machine, state, desired, desired_text=stored_text(text))
    if found.problems:
        print_document(look_document(found, [], ""))
        return FAIL
    done, error = look.apply(machine, found.steps)
    after = look.reread(found, desired) if done else found
    print_document(look_document(after, done, error))
    return FAIL if error else PASS
