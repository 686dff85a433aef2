"""Faults of a real node with real guests: it reboots in the middle of a run, its disk is full, a guest does not start.

One of them in `make test`, all of them in `make soak`; the campaign on a pretended node is in test_faults.
"""

from __future__ import annotations

import dataclasses
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.fault_campaign import print_lines
from tests.end_to_end.fault_node import CARDS, PLAIN, FaultNode

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900)]
OTHER = CARDS | {"nesting": False}
_CREATE, _CONFIG, _TASKS = "path=/nodes/*/lxc", "path=/nodes/*/lxc/711/config", "path=/nodes/*/tasks/*/status"
_START, _SHUTDOWN = "path=/nodes/*/lxc/711/status/start", "path=/nodes/*/lxc/711/status/shutdown"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Case:
    """What stands, what is wished, what breaks, and how a run then ends."""

    name: str
    stands: tuple[dict[str, Any], ...] = ()
    wished: tuple[dict[str, Any], ...] = (CARDS, PLAIN)
    fault: str
    words: tuple[str, ...]
    exits: tuple[int, ...]
    says: str = ""
    way: str = "https"


BOTH = (CARDS, PLAIN)
KILLED = (-signal.SIGKILL,)
CASES = (
    Case(name="start hook", stands=BOTH, wished=(OTHER, PLAIN), fault="guest-wont-start",
         words=("vmid=711",), exits=(2,), says="its configuration is as before"),
    Case(name="device gone, creating", fault="guest-wont-start",
         words=("reason=device", "device=/dev/dri/renderD129"), exits=(2,), says="/dev/dri/renderD129"),
    Case(name="device gone, restarting", stands=BOTH, wished=(OTHER, PLAIN), fault="guest-wont-start",
         words=("reason=device", "device=/dev/dri/renderD129"), exits=(2,), says="/dev/dri/renderD129"),
    Case(name="disk full", fault="disk-full", words=(), exits=(2,), says="No space left"),
    Case(name="disk full, second guest", fault="disk-full", words=("free_mib=400",), exits=(2,), says="No space left"),
    Case(name="stop hangs", stands=BOTH, wished=(OTHER, PLAIN), fault="guest-stop-hangs",
         words=("vmid=711",), exits=(0,)),
    Case(name="power cut before a creation", fault="node-reboot", words=("method=POST", _CREATE), exits=(0, 2, 3)),
    Case(name="power cut while creating", fault="node-reboot", words=("method=GET", _TASKS), exits=(0, 2, 3)),
    Case(name="power cut before a start", fault="node-reboot", words=("method=POST", _START), exits=(0, 2, 3)),
    Case(name="power cut in a restart", stands=BOTH, wished=(OTHER, PLAIN), fault="node-reboot",
         words=("method=POST", _SHUTDOWN), exits=(0, 2, 3)),
    Case(name="reboot in good order", stands=BOTH, wished=(OTHER, PLAIN), fault="node-reboot",
         words=("how=reboot", "method=PUT", _CONFIG), exits=(0, 2, 3)),
    Case(name="creation killed", fault="task-killed", words=("operation=unpack", "vmid=711"), exits=(2,),
         says="unexpected status"),
    Case(name="client killed at create", fault="api-timeout", words=("when=after", "method=POST", _CREATE),
         exits=KILLED),
    Case(name="client killed at config", fault="api-timeout", words=("when=after", "method=PUT", _CONFIG),
         exits=KILLED),
    Case(name="pvesh, creation killed", fault="task-killed", words=("operation=unpack", "vmid=711"), exits=(2,),
         way="ssh"),
    Case(name="pvesh, client killed while creating", fault="task-hangs", words=("operation=unpack", "vmid=711"),
         exits=KILLED, way="ssh"),
    Case(name="ticket expired", fault="ticket-expired", words=("method=POST", _START), exits=(0,)),
    Case(name="reset in a restart", stands=BOTH, wished=(OTHER, PLAIN), fault="api-reset",
         words=("when=after", "method=POST", _SHUTDOWN), exits=(0,)),
)  # fmt: skip


@pytest.fixture(scope="module")
def node(
    lab: dict[str, str],  # noqa: ARG001 - it is up
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Iterator[FaultNode]:
    node = FaultNode(Path(tmp_path_factory.mktemp("faults")))
    node.plant_foreign()
    yield node
    node.mend()
    node.remove_all()
    print_lines(request, ["Faults of a real node", *node.table])


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, id=case.name, marks=[pytest.mark.soak] if number else []) for number, case in enumerate(CASES)],
)
def test_a_node_that_breaks(node: FaultNode, case: Case) -> None:
    if not case.stands:
        node.empty()
    else:
        node.wish(case.stands)
        assert (made := node.containers("apply")).exit_status == 0, made.output
    foreign = node.foreign()
    node.wish(case.wished, way=case.way)
    node.break_it(case.fault, case.words)
    try:
        broken = node.containers("apply", kill_when_fired=case.fault if case.exits == KILLED else "")
        fired = node.fired(case.fault)
    finally:
        node.mend()
    assert fired, broken.output
    assert broken.exit_status in case.exits, broken.output
    assert case.says in broken.output
    assert "Traceback" not in broken.output
    assert broken.exit_status in {0, -signal.SIGKILL} or "HINT: " in broken.output
    clean = node.containers("apply")
    assert clean.exit_status == 0, clean.output
    plan = node.containers("plan")
    assert plan.exit_status == 0, plan.output
    assert node.left_over() == ""
    assert node.foreign() == foreign
    node.table.append(f"{case.name:<36} fired {fired}, run ended {broken.exit_status:>3}, converged, foreign untouched")
