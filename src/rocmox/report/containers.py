"""Steps and differences of containers, for people."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Sequence
from typing import Any

from rocmox.containers.apply.run import Outcome
from rocmox.containers.plan.difference import describe_difference
from rocmox.containers.session import Session

_NOTHING = "nothing to do"


def say(host: str, words: Sequence[str]) -> None:
    """Diagnostics, apart from the result."""
    for word in words:
        print(f"rocmox: {host}: {word}", file=sys.stderr)


def describe(session: Session, outcome: Outcome | None) -> dict[str, Any]:
    """One node of the JSON document; `outcome` is None when nothing was to be carried out."""
    entry: dict[str, Any] = {"host": session.host, "node": session.access.node.name, "way": session.access.description}
    entry["steps"] = list(session.foreseen)
    entry["warnings"] = [*session.warnings(), *(outcome.warnings if outcome else ())]
    return entry if outcome is None else {**entry, "done": list(outcome.done)}


def print_steps(session: Session) -> None:
    """One line for each step, then what changes in each container as a unified difference."""
    if not session.steps:
        print(f"{session.host}: {'drifted, and no step fixes that: see above' if session.has_drifted else _NOTHING}")
    for step in session.foreseen:
        print(f"{session.host}: {step}")
    for container in session.containers:
        before, after = (text.splitlines() for text in describe_difference(container))
        label = f"container {container.desired.spec.vmid}"
        for line in difflib.unified_diff(before, after, f"{label}: actual", f"{label}: desired", lineterm="", n=1):
            print(line)
