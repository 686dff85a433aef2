import dataclasses
import json
import types
from typing import Any

import pytest

from rocmox.cli import containers as command
from rocmox.cli.main import main
from rocmox.containers.apply.run import Outcome
from rocmox.containers.plan.steps import StartContainer
from rocmox.containers.spec.inventory import InventoryHost


class Access:
    description = "pvesh over ssh://root@pve1 (host key verified) as root@pam"
    node = types.SimpleNamespace(name="pve1")


@dataclasses.dataclass
class Session:
    steps: tuple[StartContainer, ...] = (StartContainer(vmid=101),)
    containers: tuple[Any, ...] = ()
    host: str = "pve1"
    legacy: bool = False
    applied: int = 0
    migrates: bool = False
    access = Access()

    @property
    def foreseen(self) -> tuple[str, ...]:
        return tuple(map(str, self.steps))

    @property
    def has_drifted(self) -> bool:
        return bool(self.steps) or self.legacy

    def warnings(self) -> list[str]:
        return ["container 9 must be restarted"]

    def apply(self) -> Outcome:
        self.applied += 1
        return Outcome(done=("start container 101",), warnings=("WARN: no nesting",), awaiting_group_ids=())


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Session:
    session = Session()

    def open_comparison(_: InventoryHost, *, migrate_legacy: bool) -> Session:
        session.migrates = migrate_legacy
        return session

    monkeypatch.setattr(command, "read_hosts", lambda *_, **__: [InventoryHost(name="pve1", variables={})])
    monkeypatch.setattr(command, "open_comparison", open_comparison)
    monkeypatch.setattr(command, "open_adoption", lambda _: session)
    return session


@pytest.mark.parametrize(("action", "status"), [("plan", 1), ("drift", 1), ("apply", 0), ("adopt", 0)])
def test_pending_changes(session: Session, action: str, status: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["containers", action]) == status
    shown = capsys.readouterr()
    assert "pve1: start container 101" in shown.out
    assert "must be restarted" in shown.err
    assert "pvesh over ssh://root@pve1" in shown.err
    assert session.applied == (action in {"apply", "adopt"})
    assert ("pve1: WARN: no nesting" in shown.err) == (action in {"apply", "adopt"})
    assert not session.migrates


def test_raw_lines_are_drift_and_migrated_on_request(session: Session, capsys: pytest.CaptureFixture[str]) -> None:
    session.steps, session.legacy = (), True
    assert main(["containers", "drift"]) == 1
    assert capsys.readouterr().out == "pve1: drifted, and no step fixes that: see above\n"
    assert main(["containers", "apply", "--migrate-legacy"]) == 0
    assert session.migrates


@pytest.mark.parametrize("action", ["plan", "drift", "apply"])
def test_nothing_to_do(session: Session, action: str, capsys: pytest.CaptureFixture[str]) -> None:
    session.steps = ()
    assert main(["containers", action]) == 0
    assert capsys.readouterr().out == "pve1: nothing to do\n"


def test_json_stands_alone_on_stdout(session: Session, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: ARG001 - in place
    assert main(["containers", "apply", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema_version"] == 1
    assert document["nodes"][0]["done"] == ["start container 101"]
    assert document["nodes"][0]["warnings"] == ["container 9 must be restarted", "WARN: no nesting"]


def test_an_unknown_action_is_wrong_usage() -> None:
    with pytest.raises(SystemExit) as caught:
        main(["containers", "explode"])
    assert caught.value.code == 64
