"""What is left when the node goes down in the middle of a creation: ours is taken away, anybody else's is not."""

import os
from pathlib import Path
from types import ModuleType

import pytest

from rocmox.containers.apply.journal import CreationJournal
from rocmox.containers.plan.steps import CreateContainer, RemoveHalfMade, WaitForCreation
from rocmox.errors import MachineError, ProxmoxError, RefusedError, TaskFailedError
from rocmox.machine import Completed
from rocmox.proxmox.tasks import Clock
from rocmox_lab.pve.guests.config import ConfigFiles, GuestConfig, Section
from rocmox_lab.pve.tasks import TaskFiles
from tests.unit.containers.lab_node import CHAT, LLM, LabNode, carry_out, plan


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rocmox.proxmox.tasks.wait_for.__kwdefaults__", {"clock": Clock(sleep=lambda _: None)})


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LabNode:
    return LabNode(tmp_path, monkeypatch)


def leave_half(lab: LabNode, vmid: int, *, volume: bool = True) -> Path:
    """What a power cut during `unpack` leaves."""
    ConfigFiles(lab.pve).save(vmid, GuestConfig(current=Section(values={"lock": "create"})))
    disk = lab.pve.path(f"/var/lib/vz/images/{vmid}/vm-{vmid}-disk-0.raw")
    if volume:
        disk.parent.mkdir(parents=True, exist_ok=True)
        disk.touch()
    return disk


def notes(lab: LabNode) -> list[str]:
    folder = lab.pve.path("/var/lib/rocmox/creations")
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def test_a_run_that_succeeds_leaves_no_note(lab: LabNode) -> None:
    carry_out(lab, plan(lab, LLM, CHAT))
    assert notes(lab) == []


def test_our_half_made_container_is_removed_and_made_anew(lab: LabNode) -> None:
    CreationJournal(lab).note([101])
    disk = leave_half(lab, 101)
    site = plan(lab, LLM, CHAT)
    assert [type(step) for step in site.containers[0].steps][:2] == [RemoveHalfMade, CreateContainer]
    assert str(site.steps[0]) == "remove what an interrupted creation of 101 left"
    carry_out(lab, site)
    assert plan(lab, LLM, CHAT).steps == ()
    assert [path.name for path in disk.parent.iterdir()] == ["vm-101-disk-0.raw"]
    assert notes(lab) == []


def test_an_older_volume_of_that_number_stays(lab: LabNode) -> None:
    disk = leave_half(lab, 101)
    disk.write_text("somebody's data", encoding="utf-8")
    lab.pve.write("/var/lib/rocmox/creations/101", "99999999999\n")
    carry_out(lab, plan(lab, LLM))
    assert disk.read_text(encoding="utf-8") == "somebody's data"
    assert "vm-101-disk-1.raw" in lab.config(101)


def test_a_half_made_container_without_our_note_is_left_alone(lab: LabNode) -> None:
    CreationJournal(lab).note([102])
    disk = leave_half(lab, 101)
    with pytest.raises(RefusedError) as caught:
        plan(lab, LLM, CHAT)
    command = "pct unlock 101 && pct destroy 101 --destroy-unreferenced-disks 1"
    assert f"`{command}`" in str(caught.value)
    assert disk.exists()
    for part in command.split(" && "):
        assert lab.run(part.split()).exit_status == 0, part
    assert not disk.exists()
    carry_out(lab, plan(lab, LLM, CHAT))
    assert plan(lab, LLM, CHAT).steps == ()


def test_a_run_that_fails_keeps_the_notes_of_what_is_not_there_yet(lab: LabNode) -> None:
    site = plan(lab, LLM, CHAT)
    lab.pve.path("/dev/kfd").unlink()
    with pytest.raises(ProxmoxError, match="/dev/kfd does not exist"):
        carry_out(lab, site)
    assert notes(lab) == ["102"]


def test_check_mode_only_reads(lab: LabNode) -> None:
    CreationJournal(lab).note([101])
    leave_half(lab, 101)
    lab.calls.clear()
    plan(lab, LLM)
    assert lab.changes == []
    assert notes(lab) == ["101"]


@pytest.mark.parametrize("cut_off_at", ["get /nodes/pve1/storage/local/content", "delete", "unlock"])
def test_a_removal_that_is_cut_off_is_taken_up_again(
    lab: LabNode, monkeypatch: pytest.MonkeyPatch, cut_off_at: str
) -> None:
    CreationJournal(lab).note([101])
    disk = leave_half(lab, 101)
    site = plan(lab, LLM)
    run = lab._command

    def broken(program: ModuleType, words: list[str]) -> Completed:
        if " ".join(words).startswith(cut_off_at):
            raise KeyboardInterrupt
        return run(program, words)

    monkeypatch.setattr(lab, "_command", broken)
    with pytest.raises(KeyboardInterrupt):
        carry_out(lab, site)
    monkeypatch.undo()
    monkeypatch.setattr("rocmox.proxmox.tasks.wait_for.__kwdefaults__", {"clock": Clock(sleep=lambda _: None)})
    lab.set_environment(monkeypatch)
    carry_out(lab, plan(lab, LLM))
    assert plan(lab, LLM).steps == ()
    assert [path.name for path in disk.parent.iterdir()] == ["vm-101-disk-0.raw"]


def test_a_note_says_when_the_first_attempt_began(lab: LabNode) -> None:
    lab.pve.write("/var/lib/rocmox/creations/101", "1700000000\n")
    CreationJournal(lab).note([101, 102])
    assert CreationJournal(lab).read([101, 102, 103])[101] == 1700000000
    assert set(CreationJournal(lab).read([101, 102, 103])) == {101, 102}


def test_a_creation_that_is_cut_off_while_it_is_waited_for_says_so(lab: LabNode) -> None:
    leave_half(lab, 101)
    files = TaskFiles(lab.pve)
    task = files.begin("vzcreate", "101", "root@pam")
    files.activate(task, os.getpid())
    site = plan(lab, LLM)
    assert [type(step) for step in site.steps] == [WaitForCreation]
    files.finish(task, "unexpected status")
    with pytest.raises(TaskFailedError, match="goes on, or was cut off a moment ago") as caught:
        carry_out(lab, site)
    assert "Run again" in caught.value.remedy


def test_the_note_of_a_run_that_was_killed_after_the_creation_is_taken_away(lab: LabNode) -> None:
    carry_out(lab, plan(lab, LLM))
    CreationJournal(lab).note([101])
    carry_out(lab, plan(lab, LLM | {"cores": 2}))
    assert notes(lab) == []


def test_a_node_whose_shell_is_out_of_reach_gets_its_containers_all_the_same(
    lab: LabNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(_journal: CreationJournal, _vmids: object) -> None:
        raise MachineError("ssh://root@pve1 cannot be reached")

    monkeypatch.setattr(CreationJournal, "note", unreachable)
    monkeypatch.setattr(CreationJournal, "forget", unreachable)
    outcome = carry_out(lab, plan(lab, LLM))
    assert outcome.warnings == ("no note of the creation can be left on the node: ssh://root@pve1 cannot be reached",)
    assert plan(lab, LLM).steps == ()
