"""An answer that is lost: whatever Proxmox VE did with the call, it is done once, and the run goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rocmox.containers.apply import operations
from rocmox.containers.apply.run import apply_site
from rocmox.containers.plan.steps import UpdateConfig
from rocmox.containers.spec.options import Options
from rocmox.errors import ProxmoxError
from rocmox.proxmox import Parameters
from rocmox.proxmox.failures import ConfigChangedError, LostAnswerError
from rocmox.proxmox.tasks import Clock
from tests.unit.containers.fake_pve import FakePve
from tests.unit.containers.worlds import CHAT, GROUPS, LLM, node_of, plan

CHANGED = LLM | {"cores": 8, "nesting": False, "disk_gib": 20}


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rocmox.proxmox.tasks.wait_for.__kwdefaults__", {"clock": Clock(sleep=lambda _: None)})


class LosingPve(FakePve):
    """Loses the answer of the n-th change, which it has carried out or not."""

    def __init__(self, *, lose: int = -1, done: bool = False) -> None:
        super().__init__()
        self.lose = lose
        self.done = done
        self.lost = ""

    def post(self, path: str, parameters: Parameters | None = None) -> Any:
        return self._perhaps(super().post, path, parameters)

    def put(self, path: str, parameters: Parameters | None = None) -> Any:
        return self._perhaps(super().put, path, parameters)

    def delete(self, path: str, parameters: Parameters | None = None) -> Any:
        return self._perhaps(super().delete, path, parameters)

    status: Callable[[], str] | None = None
    """Says what the guest's state is, in place of what it is."""

    def get(self, path: str, parameters: Parameters | None = None) -> Any:
        if self.status and path.endswith("/status/current"):
            return {"status": self.status()}
        return super().get(path, parameters)

    def _perhaps(self, call: Callable[..., Any], path: str, parameters: Parameters | None) -> Any:
        if self.lost or len(self.changes) != self.lose:
            return call(path, parameters)
        self.lost = path
        if self.done:
            call(path, parameters)
        raise LostAnswerError("no answer")


def apply(pve: FakePve, *entries: dict[str, Any]) -> None:
    apply_site(node_of(pve), plan(pve, *entries), Options(), lambda _: GROUPS)


def changes_of(*runs: tuple[dict[str, Any], ...]) -> list[list[tuple[str, str]]]:
    pve = FakePve()
    found = []
    for entries in runs:
        pve.changes.clear()
        apply(pve, *entries)
        found.append([(method, path) for method, path, _ in pve.changes])
    return found


CREATION, CHANGE = changes_of((LLM, CHAT), (CHANGED, CHAT))


@pytest.mark.parametrize("done", [False, True])
@pytest.mark.parametrize("nth", range(len(CREATION)))
def test_a_lost_answer_while_creating(nth: int, *, done: bool) -> None:
    pve = LosingPve(lose=nth, done=done)
    apply(pve, LLM, CHAT)
    assert pve.lost
    assert plan(pve, LLM, CHAT).steps == ()
    made = [(method, path) for method, path, _ in pve.changes]
    assert made == CREATION


@pytest.mark.parametrize("done", [False, True])
@pytest.mark.parametrize("nth", range(len(CHANGE)))
def test_a_lost_answer_while_changing(nth: int, *, done: bool) -> None:
    pve = LosingPve(done=done)
    apply(pve, LLM, CHAT)
    pve.changes.clear()
    pve.lose = nth
    apply(pve, CHANGED, CHAT)
    assert pve.lost
    assert plan(pve, CHANGED, CHAT).steps == ()
    assert [(method, path) for method, path, _ in pve.changes] == CHANGE


def test_a_task_that_the_lost_call_started_is_waited_for() -> None:
    pve = LosingPve()
    apply(pve, CHAT)
    pve.containers[102].running = False
    upid = pve._task("vzstart", "102", "the guest's own failure")
    pve.active_tasks = [{"upid": upid}]
    pve.changes.clear()
    pve.lose = 0
    with pytest.raises(ProxmoxError, match="the guest's own failure"):
        operations.start(node_of(pve), 102, Options())
    assert pve.changes == []


def test_a_guest_that_the_node_started_itself_meanwhile_runs() -> None:
    """A power cut takes the answer, and the node brings its guests up when it is back."""
    pve = LosingPve()
    apply(pve, CHAT)
    pve.containers[102].running = False
    pve.changes.clear()
    pve.lose = 0
    pve.fail_start = {102: "CT 102 already running"}
    answers = iter(["stopped", "running"])
    pve.status = lambda: next(answers)
    assert operations.start(node_of(pve), 102, Options()) == ()


class RefusingPve(LosingPve):
    """Refuses to start a guest by the call itself, as PVE does when it finds it running."""

    refuses = False

    def post(self, path: str, parameters: Parameters | None = None) -> Any:
        if self.refuses and path.endswith("/status/start"):
            raise ProxmoxError("500 CT 102 already running")
        return super().post(path, parameters)


@pytest.mark.parametrize("by_the_call", [True, False])
@pytest.mark.parametrize("now", ["running", "stopped"])
def test_a_guest_that_the_task_of_a_killed_run_has_started_meanwhile_runs(now: str, *, by_the_call: bool) -> None:
    """A play that is killed leaves its tasks at work, and the next one has still found the guest stopped."""
    pve = RefusingPve()
    apply(pve, CHAT)
    pve.containers[102].running = False
    pve.refuses = by_the_call
    pve.fail_start = {102: "CT 102 already running"}
    pve.status = lambda: now
    if now == "running":
        assert operations.start(node_of(pve), 102, Options()) == ()
    else:
        with pytest.raises(ProxmoxError, match="CT 102 already running"):
            operations.start(node_of(pve), 102, Options())


def test_a_change_by_somebody_else_meanwhile_is_not_taken_for_ours() -> None:
    pve = LosingPve()
    apply(pve, CHAT)
    digest = pve.containers[102].digest
    pve.containers[102].config["cores"] = "7"
    pve.changes.clear()
    pve.lose = 0
    step = UpdateConfig(vmid=102, changes={"cores": "2"}, delete=(), digest=digest)
    with pytest.raises(ConfigChangedError):
        operations.update(node_of(pve), step)
    assert pve.containers[102].config["cores"] == "7"


def test_a_second_error_is_the_one_that_is_said() -> None:
    pve = LosingPve()
    apply(pve, CHAT)
    pve.changes.clear()
    pve.lose = 0
    with pytest.raises(ProxmoxError, match="container is running"):
        operations.destroy(node_of(pve), 102, Options())
