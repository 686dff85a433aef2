"""`rocmox host upgrade`: one stage of the move to another kernel."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from rocmox.cli.exit_codes import FAIL, PASS
from rocmox.cli.host_desired import given_text, read_stored
from rocmox.errors import CannotLookError, RefusedError, RocmoxError
from rocmox.host.desired import DesiredHost, parse_desired
from rocmox.host.upgrade import record, stages
from rocmox.report.document import print_document
from rocmox.report.host import plan_document, prepared_document

_ACTIONS: dict[str, Callable[[DesiredHost], dict[str, Any]]] = {
    "plan": lambda desired: plan_document(stages.plan(desired)),
    "prepare": lambda desired: prepared_document(*stages.prepare(desired)),
    "switch": stages.switch,
    "confirm": stages.confirm,
    "back": stages.back,
    "ready": lambda _desired: stages.ready(),
    "reboot": lambda _desired: stages.reboot(),
    "report": lambda _desired: record.read_last(),
}
STAGES = tuple(_ACTIONS)


def run_upgrade(arguments: argparse.Namespace) -> int:
    """One stage; `error` says what failed."""
    desired = _desired(arguments)
    try:
        document = {"error": "", **_ACTIONS[arguments.stage](desired)}
    except CannotLookError:
        raise
    except RocmoxError as error:
        began = arguments.stage == "prepare" and not isinstance(error, RefusedError)
        document = {"error": str(error), "changed": began}
    print_document({"schema_version": 1, **document})
    return FAIL if document["error"] else PASS


def _desired(arguments: argparse.Namespace) -> DesiredHost:
    if arguments.desired:
        return parse_desired(given_text(arguments))
    return DesiredHost() if arguments.stage == "reboot" else read_stored()  # after removal none is stored
