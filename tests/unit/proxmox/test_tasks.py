from typing import Any

import pytest

from rocmox.errors import MachineError, ProxmoxError, TaskFailedError
from rocmox.proxmox import Node
from rocmox.proxmox.tasks import Clock, Task, wait_for

UPID = "UPID:pve2:000004FE:0003CC6F:6AFFCA5D:vzcreate:101:root@pam!rocmox:"


class Api:
    """Answers a task's status in turn, the last one for ever."""

    account_name = "root@pam"

    def __init__(self, *statuses: Any, log: tuple[str, ...] = ("one", "two")) -> None:
        self.statuses = list(statuses)
        self.log = log
        self.paths: list[str] = []

    def get(self, path: str, _: Any = None) -> Any:
        self.paths.append(path)
        if path.endswith("/log"):
            return [{"n": number, "t": line} for number, line in enumerate(self.log)]
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        if isinstance(status, Exception):
            raise status
        return {"status": "running"} if status is None else {"status": "stopped", "exitstatus": status}

    post = put = delete = get


class Time:
    def __init__(self) -> None:
        self.at = 0.0
        self.pauses: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.at += seconds
        self.pauses.append(seconds)


def wait(api: Api, *, timeout_seconds: float = 60) -> tuple[tuple[str, ...], Time]:
    time = Time()
    clock = Clock(now=lambda: time.at, sleep=time.sleep)
    return wait_for(Node(api=api, name="pve1"), UPID, timeout_seconds=timeout_seconds, clock=clock), time


def test_a_upid_says_which_node_to_ask() -> None:
    task = Task.from_upid(UPID)
    assert (task.node, task.type, task.id, task.user) == ("pve2", "vzcreate", "101", "root@pam!rocmox")
    api = Api("OK")
    wait(api)
    assert api.paths == [f"/nodes/pve2/tasks/{UPID}/status"]


def test_what_is_no_upid_is_refused() -> None:
    with pytest.raises(ProxmoxError, match="where a task id was expected"):
        Task.from_upid("null")


def test_pauses_grow_up_to_two_seconds() -> None:
    _, time = wait(Api(*[None] * 12, "OK"))
    assert time.pauses[0] == pytest.approx(0.3)
    assert time.pauses == sorted(time.pauses)
    assert time.pauses[-1] == 2.0


def test_warnings_are_a_success_that_is_shown() -> None:
    warnings, _ = wait(Api("WARNINGS: 1", log=("fine", "WARN: Systemd 257 detected. You may need to enable nesting.")))
    assert warnings == ("WARN: Systemd 257 detected. You may need to enable nesting.",)


def test_a_failure_shows_the_log() -> None:
    with pytest.raises(TaskFailedError, match=r"vzcreate 101 on pve2 failed: no space left(?s:.*)\| two"):
        wait(Api("no space left"))


def test_time_runs_out_and_the_task_goes_on() -> None:
    with pytest.raises(TaskFailedError, match="still runs after 5 s") as caught:
        wait(Api(None), timeout_seconds=5)
    assert "It goes on by itself" in caught.value.remedy


def test_a_lost_connection_is_waited_out() -> None:
    warnings, _ = wait(Api(MachineError("reset"), None, MachineError("reset"), "OK"))
    assert warnings == ()


def test_a_connection_lost_for_good_is_said() -> None:
    with pytest.raises(MachineError, match="gone"):
        wait(Api(MachineError("gone")), timeout_seconds=5)
