"""pve_lxc in plays: pipelining, become, time limits, the alternative by one variable, and what a task costs."""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.end_to_end.conftest import BIN, ROOT
from tests.end_to_end.entered_guest import VMID, Node, make_guest

pytestmark = [pytest.mark.alone, pytest.mark.lab, pytest.mark.timeout(900)]

PCT_REMOTE = "community.proxmox.proxmox_pct_remote"
TASKS = 20


@pytest.fixture(scope="module")
def node(lab: dict[str, str]) -> Iterator[Node]:
    node = Node(address=lab["node_address"], private_key=lab["ssh_private_key"], known_hosts=lab["known_hosts"])
    make_guest(node)
    yield node
    node.run("pct", "stop", str(VMID), check=False)
    node.run("pct", "destroy", str(VMID), check=False)


@pytest.fixture
def play(node: Node, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Runs tasks over a connection; the exit status, what Ansible reported as JSON per task, and the seconds."""
    home = tmp_path_factory.getbasetemp() / "h"  # short: it holds Unix sockets
    (home / ".ssh").mkdir(parents=True, exist_ok=True)
    # Paramiko, which the alternative uses, knows no other place for host keys.
    (home / ".ssh" / "known_hosts").write_text(Path(node.known_hosts).read_text())

    def run(connection: str, tasks: list[dict[str, Any]], **variables: Any) -> tuple[int, list[dict[str, Any]], float]:
        hosts = {"it": node.variables | {"ansible_connection": connection} | variables}
        (tmp_path / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": hosts}}))
        (tmp_path / "play.yml").write_text(yaml.safe_dump([{"hosts": "it", "gather_facts": False, "tasks": tasks}]))
        started = time.monotonic()
        done = subprocess.run(
            [BIN / "ansible-playbook", "-i", tmp_path / "hosts.yml", tmp_path / "play.yml"],
            cwd=ROOT,
            env=os.environ | {"ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json", "HOME": str(home)},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        seconds = time.monotonic() - started
        assert done.stdout.lstrip().startswith("{"), done.stdout + done.stderr
        report = json.loads(done.stdout)
        return done.returncode, [task["hosts"]["it"] for task in report["plays"][0]["tasks"]], seconds

    return run


def command(text: str, **more: Any) -> dict[str, Any]:
    return {"ansible.builtin.shell": {"cmd": text}} | more


@pytest.mark.parametrize("pipelining", [True, False])
def test_modules_files_and_async_with_and_without_pipelining(play: Any, tmp_path: Path, pipelining: bool) -> None:  # noqa: FBT001
    (tmp_path / "sent").write_bytes(os.urandom(300_000))
    tasks = [
        {"ansible.builtin.command": {"argv": ["cat"], "stdin": "words"}},
        {"ansible.builtin.copy": {"src": str(tmp_path / "sent"), "dest": "/root/sent", "mode": "0600"}},
        {"ansible.builtin.fetch": {"src": "/root/sent", "dest": f"{tmp_path}/back", "flat": True}},
        command("sleep 1; echo later", **{"async": 20, "poll": 1}),
    ]

    status, results, _ = play("pve_lxc", tasks, ansible_pipelining=pipelining)
    assert status == 0, results
    assert results[0]["stdout"] == "words"
    assert (tmp_path / "back").read_bytes() == (tmp_path / "sent").read_bytes()
    assert results[3]["stdout"] == "later"


def test_becoming_another_user_in_the_guest(play: Any) -> None:
    become = {"become": True, "become_user": "daemon", "become_method": "ansible.builtin.su"}
    tasks = [command("id -un", become_flags="-s /bin/sh", **become), command("id -un")]
    status, results, _ = play("pve_lxc", tasks)
    assert (status, [result["stdout"] for result in results]) == (0, ["daemon", "root"])


def test_a_task_that_takes_too_long_fails_and_the_next_one_runs(play: Any) -> None:
    tasks = [command("sleep 120", timeout=3, ignore_errors=True), command("echo next")]
    status, results, seconds = play("pve_lxc", tasks)
    assert status == 0
    assert "Timed out after 3" in results[0]["msg"]
    assert results[1]["stdout"] == "next"
    assert seconds < 30


def test_a_missing_guest_is_unreachable_and_not_failed(play: Any) -> None:
    status, results, _ = play("pve_lxc", [{"ansible.builtin.ping": {}}], proxmox_vmid=199)
    assert status == 4
    assert results[0]["unreachable"] is True
    assert "container 199 does not exist" in results[0]["msg"]


def test_the_alternative_serves_by_one_variable(play: Any) -> None:
    status, results, seconds = play(PCT_REMOTE, [{"ansible.builtin.ping": {}}, command("cat /etc/hostname")])
    assert status == 0, results
    assert results[1]["stdout"] == "entered"
    print(f"{PCT_REMOTE}: 2 tasks in {seconds:.2f} s")


def test_a_task_costs_at_most_half_more_than_over_plain_ssh(play: Any) -> None:
    tasks = [{"ansible.builtin.file": {"path": "/tmp", "state": "directory"}}] * TASKS  # noqa: S108 - in the guest
    best: dict[str, float] = {}
    for connection in ["ssh", "pve_lxc"] * 2:
        status, results, seconds = play(connection, tasks)
        assert (status, len(results), any(result["changed"] for result in results)) == (0, TASKS, False)
        best[connection] = min(seconds, best.get(connection, seconds))
    ratio = best["pve_lxc"] / best["ssh"]
    print(f"{TASKS} no-op tasks: ssh {best['ssh']:.2f} s, pve_lxc {best['pve_lxc']:.2f} s, ratio {ratio:.2f}")
    assert ratio <= 1.5
