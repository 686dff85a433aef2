"""Every order of `rocmox lab fault` is set on a pretended node, and met over the wire or inside a task."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import threading
import urllib.parse
from pathlib import Path

import pytest

from rocmox.machine import Completed
from rocmox_lab.faults import records
from rocmox_lab.faults.registry import find_fault
from rocmox_lab.faults.target import FaultTarget
from rocmox_lab.pve.node import Node
from rocmox_lab.pve.tasks import TaskFiles, TaskId
from rocmox_lab.pve.worker import ProcessSpawner
from tests.unit.rocmox_lab.pve.pretended_node import TEMPLATE, Client
from tests.unit.rocmox_lab.pve.served import ask


def run_nothing(argv: object, *, stdin: bytes | None = None) -> Completed:
    raise AssertionError((argv, stdin))


@pytest.fixture
def target(node: Node) -> FaultTarget:
    return FaultTarget(node_state=node.path("/var/lib/rocmox-lab"), run=run_nothing)


def set_fault(target: FaultTarget, name: str, *words: str) -> None:
    fault = find_fault(name)
    records.set_fault(target, fault, fault.read(words))


def log_in(port: int) -> dict[str, str]:
    body = urllib.parse.urlencode({"username": "root@pam", "password": "root-secret-1"})
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    data = json.loads(ask(port, "POST", "/access/ticket", headers, body)[2])["data"]
    return {
        "Cookie": "PVEAuthCookie=" + urllib.parse.quote(data["ticket"], safe=""),
        "CSRFPreventionToken": data["CSRFPreventionToken"],
    }


@pytest.mark.parametrize("status", [500, 503, 596])
def test_an_error_hits_the_chosen_call_as_often_as_ordered(port: int, target: FaultTarget, status: int) -> None:
    me = log_in(port)
    set_fault(target, "api-error", f"status={status}", "method=GET", "path=/version", "after=1", "times=2")
    assert [ask(port, "GET", "/version", me)[0] for _ in range(4)] == [200, status, status, 200]
    assert ask(port, "GET", "/nodes", me)[0] == 200
    assert records.fired_count(target, "api-error") == 2


def test_after_means_that_the_call_was_carried_out(port: int, node: Node, target: FaultTarget) -> None:
    me = log_in(port)
    set_fault(target, "api-error", "status=596", "when=after", "method=POST", "path=/pools")
    assert ask(port, "POST", "/pools?poolid=made", me)[0] == 596
    records.clear_all(target)
    assert "made" in ask(port, "GET", "/pools", me)[2]
    assert node.read("/var/lib/rocmox-lab/faults/api-error.json") == ""


def test_a_reset_leaves_no_answer_or_half_of_one(port: int, target: FaultTarget) -> None:
    me = log_in(port)
    set_fault(target, "api-reset", "path=/nodes")
    with pytest.raises(OSError, match=r"reset|closed|EOF"):
        ask(port, "GET", "/nodes", me)
    set_fault(target, "api-reset", "path=/nodes", "when=after")
    with pytest.raises((OSError, http.client.IncompleteRead)):
        ask(port, "GET", "/nodes", me)
    assert ask(port, "GET", "/nodes", me)[0] == 200


def test_a_truncated_body_is_shorter_than_announced(port: int, target: FaultTarget) -> None:
    me = log_in(port)
    set_fault(target, "api-truncated", "path=/nodes")
    with pytest.raises(http.client.IncompleteRead):
        ask(port, "GET", "/nodes", me)


def test_silence_lasts_until_the_fault_is_cleared(port: int, target: FaultTarget) -> None:
    me = log_in(port)
    set_fault(target, "api-timeout", "path=/version")
    threading.Timer(0.5, lambda: records.clear_all(target)).start()
    with pytest.raises(OSError, match=r"reset|closed|EOF"):
        ask(port, "GET", "/version", me)
    assert ask(port, "GET", "/version", me)[0] == 200


def test_an_expired_ticket_stays_refused_and_a_new_one_is_accepted(port: int, target: FaultTarget) -> None:
    me = log_in(port)
    set_fault(target, "ticket-expired", "after=1")
    assert [ask(port, "GET", "/version", me)[0] for _ in range(3)] == [200, 401, 401]
    assert ask(port, "GET", "/version", log_in(port))[0] == 200
    assert records.fired_count(target, "ticket-expired") == 1


def test_chance_is_drawn_from_the_seed(port: int, target: FaultTarget) -> None:
    me = log_in(port)
    found = []
    for seed in (1, 1, 2):
        set_fault(target, "api-error", "chance=40", "times=0", f"seed={seed}", "path=/version")
        found.append([ask(port, "GET", "/version", me)[0] for _ in range(12)])
    assert found[0] == found[1] != found[2]
    assert {200, 500} <= set(found[0])


def test_a_task_fails_at_its_step_and_says_why(client: Client, target: FaultTarget) -> None:
    set_fault(target, "task-fails", "operation=unpack", "vmid=101", "message=no space left")
    client.create()
    assert client.status == "unable to create CT 101 - no space left"
    assert client("GET", "/nodes/pve1/lxc") == []
    client.create()
    assert client.status == "OK"


def test_a_fault_for_another_guest_waits(client: Client, target: FaultTarget) -> None:
    set_fault(target, "task-fails", "operation=create_volume", "vmid=102")
    client.create()
    assert client.status == "OK"
    assert records.fired_count(target, "task-fails") == 0


def task_as_process(node: Node, kind: str, arguments: dict[str, object]) -> TaskId:
    task = TaskId.parse(ProcessSpawner(node).start("root@pam", kind, "101", arguments))
    assert task
    return task


def wait_until(node: Node, task: TaskId) -> str | None:
    for _ in range(400):
        if end := TaskFiles(node).end_of(task):
            return end
        threading.Event().wait(0.05)
    return None


def test_a_killed_task_leaves_what_it_had_made(client: Client, node: Node, target: FaultTarget) -> None:
    set_fault(target, "task-killed", "operation=unpack")
    node.write("/etc/pve/lxc/101.conf", "lock: create\n")
    parameters = {"vmid": "101", "ostemplate": TEMPLATE, "rootfs": "local:1", "unprivileged": "1"}
    task = task_as_process(node, "vzcreate", {"parameters": parameters})
    assert wait_until(node, task) == "unexpected status"
    assert client.config()["lock"] == "create"
    assert list(node.path("/var/lib/vz/images/101").iterdir())


def test_a_hanging_task_goes_on_when_the_fault_is_cleared(client: Client, node: Node, target: FaultTarget) -> None:
    client.create()
    set_fault(target, "task-hangs", "operation=start")
    task = task_as_process(node, "vzstart", {"vmid": 101})
    while not records.fired_count(target, "task-hangs"):
        threading.Event().wait(0.05)
    assert TaskFiles(node).end_of(task) is None
    records.clear_all(target)
    assert wait_until(node, task) == "OK"


def test_counts_are_right_when_many_processes_count(target: FaultTarget, tmp_path: Path) -> None:
    set_fault(target, "task-fails", "operation=stop", "times=7")
    code = (
        "from pathlib import Path\nfrom rocmox_lab.pve.faults.orders import due\n"
        f"folder = Path({str(target.faults)!r})\nfor _ in range(10):\n    due(folder, 'operation', 'stop 101')\n"
    )
    script = tmp_path / "count.py"
    script.write_text(code, encoding="utf-8")
    started = [subprocess.Popen([sys.executable, str(script)]) for _ in range(3)]
    assert [process.wait(60) for process in started] == [0, 0, 0]
    assert records.fired_count(target, "task-fails") == 7
    assert (target.faults / "task-fails.count").read_text(encoding="utf-8") == "30 7"
