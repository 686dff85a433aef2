import json
from pathlib import Path
from typing import Any

import pytest
from ansible.plugins.filter.core import to_nice_json

from rocmox.cli import repair as command
from rocmox.cli.main import main
from rocmox.containers.apply import stored_specs
from rocmox.containers.apply.repair import await_cards, plan_repair, repair
from rocmox.containers.apply.stored_specs import StoredSpec, read_stored_specs, stored_document
from rocmox.containers.current.cards import NodeCard
from rocmox.containers.spec.container import parse_specs
from rocmox.errors import ProxmoxError, UsageError
from rocmox.machine import LocalMachine
from rocmox.proxmox import Parameters
from tests.unit.containers.fake_pve import FakeContainer, FakePve
from tests.unit.containers.worlds import CARDS, CHAT, LLM

FOUND = {
    "dev0": "/dev/kfd,gid=993,mode=0660",
    "dev1": "/dev/dri/renderD128,gid=993,mode=0660",
    "dev2": "/dev/dri/card0,gid=44,mode=0660",
    "dev3": "/dev/ttyUSB0,gid=20",
}
FIRST = LLM | {"gpus": ["0000:03:00.0"]}


def wishes(*entries: dict[str, object]) -> tuple[StoredSpec, ...]:
    return tuple(StoredSpec(node="pve1", spec=spec) for spec in parse_specs(list(entries)))


def moved(number: int, *, driver: bool = True) -> tuple[NodeCard, ...]:
    card = CARDS[0]
    render = f"/dev/dri/renderD{128 + number}" if driver else None
    path = f"/dev/dri/card{number}" if driver else None
    return (NodeCard(pci_address=card.pci_address, architecture="gfx906", card_path=path, render_path=render),)


def node_with(config: dict[str, str], vmid: int = 101) -> FakePve:
    pve = FakePve()
    pve.containers[vmid] = FakeContainer({"hostname": "llm1", "tags": "rocmox", **config})
    pve.devices |= {"/dev/dri/card2", "/dev/dri/renderD130", "/dev/ttyUSB0"}
    return pve


def test_a_renumbered_card_is_followed_and_nothing_else_changes() -> None:
    pve = node_with(FOUND)
    (done,) = repair(pve, wishes(FIRST), moved(2), dry_run=False)
    assert done.problem == ""
    assert pve.containers[101].config == {
        "hostname": "llm1",
        "tags": "rocmox",
        **FOUND,
        "dev1": "/dev/dri/renderD130,gid=993,mode=0660",
        "dev2": "/dev/dri/card2,gid=44,mode=0660",
    }
    assert repair(pve, wishes(FIRST), moved(2), dry_run=False)[0].step is None


def test_a_dry_run_changes_nothing() -> None:
    pve = node_with(FOUND)
    (found,) = repair(pve, wishes(FIRST), moved(2), dry_run=True)
    assert "renderD130" in str(found.step)
    assert pve.changes == []


@pytest.mark.parametrize(
    ("config", "cards"),
    [
        (FOUND, CARDS),
        (FOUND | {"tags": "prod"}, moved(2)),
        ({"dev0": "/dev/ttyUSB0"}, moved(2)),
        ({}, moved(2)),
    ],
    ids=["in place", "foreign", "no GPU devices yet", "no devices"],
)
def test_what_needs_no_repair(config: dict[str, str], cards: tuple[NodeCard, ...]) -> None:
    pve = node_with(config)
    assert [entry.step or entry.problem for entry in repair(pve, wishes(FIRST), cards, dry_run=False)] == [""]
    assert pve.changes == []


def test_a_missing_card_is_said_and_the_others_are_repaired() -> None:
    pve = node_with(FOUND)
    pve.containers[103] = FakeContainer({"hostname": "llm3", "tags": "rocmox", **FOUND})
    desired = wishes(LLM | {"gpus": ["0000:99:00.0"]}, FIRST | {"vmid": 103, "hostname": "llm3"})
    missing, other = repair(pve, desired, moved(2), dry_run=False)
    assert "no AMD card at 0000:99:00.0" in missing.problem
    assert other.step is not None
    assert "renderD130" in pve.containers[103].config["dev1"]


def test_pve_s_refusal_is_a_problem_of_that_container_alone() -> None:
    pve = node_with(FOUND)
    (found,) = repair(pve, wishes(FIRST), moved(7), dry_run=False)
    assert "Device /dev/dri/renderD135 does not exist" in found.problem


def test_ids_that_nobody_knows_are_not_guessed() -> None:
    pve = node_with({"dev0": "/dev/kfd", "dev1": "/dev/dri/card0"})
    assert "no group ids" in repair(pve, wishes(FIRST), moved(2), dry_run=False)[0].problem


class Booting(FakePve):
    """The others of the cluster come up later."""

    refusals = 3

    def put(self, path: str, parameters: Parameters | None = None) -> Any:
        self.refusals -= 1
        if self.refusals >= 0:
            raise ProxmoxError("cluster not ready - no quorum?")
        return super().put(path, parameters)


@pytest.mark.parametrize(("wait_seconds", "repaired"), [(60, True), (2, False)])
def test_a_quorum_is_waited_for(wait_seconds: int, *, repaired: bool) -> None:
    pve = Booting()
    pve.containers, pve.devices = node_with(FOUND).containers, node_with(FOUND).devices
    clock = iter(range(100))
    (done,) = repair(
        pve,
        wishes(FIRST),
        moved(2),
        dry_run=False,
        wait_seconds=wait_seconds,
        now=lambda: next(clock),
        sleep=lambda _: None,
    )
    assert (done.problem == "") is repaired
    assert ("renderD130" in pve.containers[101].config["dev1"]) is repaired


def test_no_container_is_no_problem() -> None:
    assert plan_repair(wishes(FIRST)[0].spec, None, CARDS).problem == ""


def test_drivers_are_waited_for() -> None:
    answers = iter([moved(0, driver=False), moved(0, driver=False), moved(2)])
    clock = iter(range(100))
    cards = await_cards(
        lambda: next(answers), wishes(FIRST), wait_seconds=60, now=lambda: next(clock), sleep=lambda _: None
    )
    assert cards == moved(2)


def test_waiting_has_an_end() -> None:
    clock = iter(range(100))
    cards = await_cards(
        lambda: moved(0, driver=False), wishes(FIRST), wait_seconds=3, now=lambda: next(clock), sleep=lambda _: None
    )
    assert cards == moved(0, driver=False)
    assert next(clock) < 10


def store(tmp_path: Path, *entries: dict[str, object]) -> str:
    for entry in entries:
        (tmp_path / f"{entry['vmid']}.json").write_text(stored_document("pve1", entry), encoding="utf-8")
    return str(tmp_path)


def test_stored_wishes_are_the_containers_with_cards(tmp_path: Path) -> None:
    assert read_stored_specs(LocalMachine("/"), store(tmp_path, FIRST, CHAT)) == (wishes(FIRST), ())


def test_a_wish_is_stored_as_the_role_stores_it() -> None:
    document = {"schema_version": 1, "node": "pve1", "container": FIRST}
    assert stored_document("pve1", FIRST) == str(to_nice_json(document)) + "\n"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"schema_version": 2}', "1 is known"),
        ('{"schema_version": 1, "node": "pve1", "container": {"vmid": 5}}', "hostname"),
        ('{"schema_version": 1, "node": "pve1"}', "container"),
        ("[]", "does not hold a desired container"),
        ("", "does not hold a desired container"),
    ],
)
def test_a_file_that_holds_no_wish_is_said_and_the_others_are_read(tmp_path: Path, content: str, words: str) -> None:
    directory = store(tmp_path, FIRST)
    (tmp_path / "100.json").write_text(content, encoding="utf-8")
    found, problems = read_stored_specs(LocalMachine("/"), directory)
    assert found == wishes(FIRST)
    assert words in problems[0]


def test_applying_by_hand_keeps_a_stored_wish_in_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored_specs, "STORED_SPECS", store(tmp_path, LLM))
    stored_specs.refresh_stored_spec(LocalMachine("/"), 101, stored_document("pve1", FIRST))
    stored_specs.refresh_stored_spec(LocalMachine("/"), 102, stored_document("pve1", CHAT))
    assert read_stored_specs(LocalMachine("/"), str(tmp_path)) == (wishes(FIRST), ())
    assert [(path.name, path.stat().st_mode & 0o777) for path in tmp_path.iterdir()] == [("101.json", 0o600)]


def test_no_directory_of_wishes_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="repair_at_boot"):
        read_stored_specs(LocalMachine("/"), str(tmp_path / "absent"))


@pytest.fixture
def node(monkeypatch: pytest.MonkeyPatch) -> FakePve:
    pve = node_with(FOUND)
    monkeypatch.setattr(command, "PveshApi", lambda _: pve)
    monkeypatch.setattr(command, "read_stored_specs", lambda *_: (wishes(FIRST), ()))
    return pve


@pytest.mark.parametrize(
    ("cards", "words", "status", "said"),
    [
        (moved(2), [], 0, "renderD130"),
        (moved(2), ["--dry-run"], 1, "renderD130"),
        (CARDS, [], 0, "no card changed its number"),
        ((), [], 2, "no AMD card"),
    ],
)
def test_the_command_says_what_it_did(
    *,
    node: FakePve,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    cards: tuple[NodeCard, ...],
    words: list[str],
    status: int,
    said: str,
) -> None:
    monkeypatch.setattr(command, "await_cards", lambda *_, **__: cards)
    assert main(["repair", *words]) == status
    shown = capsys.readouterr()
    assert said in shown.out + shown.err
    assert bool(node.changes) == (status == 0 and cards == moved(2))


def test_the_command_s_document(
    node: FakePve, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "await_cards", lambda *_, **__: moved(2))
    assert main(["repair", "--json", "--dry-run"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["containers"][0]["vmid"] == 101
    assert node.changes == []
