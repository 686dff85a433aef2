import dataclasses
import json
from typing import Any

import pytest

from rocmox.cli import containers as command
from rocmox.cli.main import main
from rocmox.containers.apply import Outcome
from rocmox.containers.inventory import InventoryHost
from rocmox.containers.steps import StartContainer


@dataclasses.dataclass
class Plan:
    steps: tuple[StartContainer, ...]
    containers: tuple[Any, ...] = ()


@dataclasses.dataclass
class Session:
    plan: Plan
    host: str = "pve1"
    applied: int = 0

    class node:  # noqa: N801 - stands for an attribute
        name = "pve1"

    def warnings(self) -> list[str]:
        return ["container 9 must be restarted"]

    def apply(self) -> Any:
        self.applied += 1
        return Outcome(done=("start container 101",), warnings=("WARN: no nesting",), awaiting_group_ids=())


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Session:
    session = Session(plan=Plan(steps=(StartContainer(vmid=101),)))
    monkeypatch.setattr(command, "read_hosts", lambda *_, **__: [InventoryHost(name="pve1", variables={})])
    monkeypatch.setattr(command, "open_session", lambda _: session)
    return session


@pytest.mark.parametrize(("action", "status"), [("plan", 1), ("drift", 1), ("apply", 0)])
def test_pending_changes(session: Session, action: str, status: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["containers", action]) == status
    shown = capsys.readouterr()
    assert "pve1: start container 101" in shown.out
    assert "must be restarted" in shown.err
    assert session.applied == (action == "apply")
    assert ("pve1: WARN: no nesting" in shown.err) == (action == "apply")


@pytest.mark.parametrize("action", ["plan", "drift", "apply"])
def test_nothing_to_do(session: Session, action: str, capsys: pytest.CaptureFixture[str]) -> None:
    session.plan.steps = ()
    assert main(["containers", action]) == 0
    assert capsys.readouterr().out == "pve1: nothing to do\n"


def test_json_stands_alone_on_stdout(session: Session, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: ARG001 - in place
    assert main(["containers", "apply", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema_version"] == 1
    assert document["nodes"][0]["done"] == ["start container 101"]


def test_an_unknown_action_is_wrong_usage() -> None:
    with pytest.raises(SystemExit) as caught:
        main(["containers", "explode"])
    assert caught.value.code == 64
