"""Plans carried out against the lab's whole API over `pvesh`, guests by its fake runtime: every error is PVE's own."""

from pathlib import Path
from typing import Any

import pytest

from rocmox.containers.plan.reminders import plan_warnings
from rocmox.errors import MachineError, TaskFailedError
from rocmox.machine import Completed
from rocmox.proxmox.tasks import Clock
from tests.unit.containers.lab_node import CHAT, LLM, LabNode, carry_out, lxc_lock_is_free, plan

DEVICES = ["/dev/kfd", "/dev/dri/renderD128", "/dev/dri/card0", "/dev/dri/renderD129", "/dev/dri/card1"]
RAW = (
    "lxc.cgroup2.devices.allow: c 226:* rwm\n"
    "lxc.cgroup2.devices.allow: c 235:0 rwm\n"
    "lxc.cgroup2.devices.allow: c 10:200 rwm\n"
    "lxc.mount.entry: /dev/kfd dev/kfd none bind,optional,create=file\n"
    "lxc.mount.entry: /dev/dri dev/dri none bind,optional,create=dir\n"
    "lxc.mount.entry: /dev/net/tun dev/net/tun none bind,create=file\n"
)
KEPT = ["lxc.cgroup2.devices.allow: c 10:200 rwm", "lxc.mount.entry: /dev/net/tun dev/net/tun none bind,create=file"]


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rocmox.proxmox.tasks.wait_for.__kwdefaults__", {"clock": Clock(sleep=lambda _: None)})


@pytest.fixture(params=["8.4", "9.2"])
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> LabNode:
    return LabNode(tmp_path, monkeypatch, version=request.param)


def device_paths(lab: LabNode, vmid: int = 101) -> list[str]:
    """In the order of N."""
    lines = sorted(line for line in lab.config(vmid).splitlines() if line.startswith("dev"))
    return [line.split(" ")[1].split(",")[0] for line in lines]


def status(lab: LabNode, vmid: int) -> str:
    done = lab._pvesh(["get", f"/nodes/pve1/lxc/{vmid}/status/current", "--output-format", "json"])
    return "running" if '"status":"running"' in done.stdout else "stopped"


def test_a_site_comes_into_being_over_pvesh_and_a_second_plan_is_empty(lab: LabNode) -> None:
    site = plan(lab, LLM, CHAT)
    outcome = carry_out(lab, site)
    assert device_paths(lab) == DEVICES
    assert [status(lab, vmid) for vmid in (101, 102)] == ["running", "running"]
    assert outcome.awaiting_group_ids == ()
    lab.calls.clear()
    assert plan(lab, LLM, CHAT).steps == ()
    assert lab.changes == []
    assert len(lab.calls) <= 6 + 2 * 2


def test_a_restart_is_a_shutdown_and_a_start(lab: LabNode) -> None:
    carry_out(lab, plan(lab, CHAT))
    lab.calls.clear()
    carry_out(lab, plan(lab, CHAT | {"nesting": False}))
    assert lab.changes == ["set /102/config", "create /102/status/shutdown", "create /102/status/start"]
    assert status(lab, 102) == "running"
    assert "features" not in lab.config(102)


def test_a_start_that_fails_after_a_change_puts_the_configuration_back(
    lab: LabNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    carry_out(lab, plan(lab, LLM))
    before = lab.config(101)
    site = plan(lab, LLM | {"gpus": ["0000:03:00.0"], "nesting": False})
    lose_device_between_shutdown_and_start(lab, monkeypatch, "/dev/dri/card0")
    with pytest.raises(TaskFailedError) as caught:
        carry_out(lab, site)
    assert "Device /dev/dri/card0 does not exist" in caught.value.message
    assert "its configuration is as before" in caught.value.message
    assert lab.config(101) == before


def lose_device_between_shutdown_and_start(lab: LabNode, monkeypatch: pytest.MonkeyPatch, device: str) -> None:
    """The first start finds the device missing, later ones find it again."""
    original, lost = lab._pvesh, []

    def pvesh(words: list[str]) -> Completed:
        if words[1].endswith("/status/start") and not lost:
            lost.append(device)
            lab.pve.path(device).unlink()
            done = original(words)
            lab.pve.path(device).touch()
            return done
        return original(words)

    monkeypatch.setattr(lab, "_pvesh", pvesh)


def test_the_guest_runs_again_after_a_failed_restart(lab: LabNode, monkeypatch: pytest.MonkeyPatch) -> None:
    carry_out(lab, plan(lab, LLM))
    lose_device_between_shutdown_and_start(lab, monkeypatch, "/dev/dri/renderD128")
    with pytest.raises(TaskFailedError, match="as before and it runs"):
        carry_out(lab, plan(lab, LLM | {"nesting": False}))
    assert status(lab, 101) == "running"
    assert carry_out(lab, plan(lab, LLM | {"nesting": False})).done[-1] == "restart container 101 for features"


def legacy_container(lab: LabNode) -> None:
    """A container of ours that gets its cards in the old way."""
    carry_out(lab, plan(lab, LLM | {"gpus": []}))
    path = lab.config_path(101)
    path.write_text(path.read_text(encoding="utf-8") + RAW, encoding="utf-8")


def test_raw_lines_are_left_alone_until_migration_is_asked_for(lab: LabNode) -> None:
    legacy_container(lab)
    site = plan(lab, LLM)
    assert site.steps == ()
    found = site.containers[0].current
    assert found is not None
    assert [value.split()[0] for _, value in found.legacy] == ["c", "/dev/kfd", "/dev/dri"]


def test_raw_lines_become_devices(lab: LabNode) -> None:
    legacy_container(lab)
    before = lab.config(101)
    site = plan(lab, LLM, migrate_legacy=True)
    outcome = carry_out(lab, site)
    assert outcome.done == tuple(str(step) for step in site.steps)
    assert outcome.done[-1] == "start container 101"
    assert device_paths(lab) == DEVICES
    assert [line for line in lab.config(101).splitlines() if line.startswith("lxc.")] == KEPT
    backups = list(lab.pve.path("/var/lib/rocmox/container-backups").iterdir())
    assert [backup.read_text(encoding="utf-8") for backup in backups] == [before]
    assert lxc_lock_is_free(lab, 101)
    assert plan(lab, LLM).steps == ()


@pytest.mark.parametrize("device", ["/dev/dri/card1", "/dev/kfd"])
def test_a_migration_that_does_not_start_is_undone_whole(
    lab: LabNode, monkeypatch: pytest.MonkeyPatch, device: str
) -> None:
    legacy_container(lab)
    before = lab.config(101)
    site = plan(lab, LLM, migrate_legacy=True)
    lose_device_between_shutdown_and_start(lab, monkeypatch, device)
    with pytest.raises(TaskFailedError, match="not migrated to devN: its configuration file is as before and it runs"):
        carry_out(lab, site)
    assert lab.config(101) == before
    assert status(lab, 101) == "running"


def test_a_node_that_is_gone_is_said_with_the_place_of_the_copy(lab: LabNode, monkeypatch: pytest.MonkeyPatch) -> None:
    legacy_container(lab)
    site = plan(lab, LLM, migrate_legacy=True)
    run = lab.run

    def gone_after_the_edit(argv: list[str], **keywords: Any) -> Completed:
        done = run(argv, **keywords)
        if "replace" in argv:
            monkeypatch.setattr(lab, "run", no_answer)
        return done

    def no_answer(*_: Any, **__: Any) -> Completed:
        raise MachineError("no answer from pve1")

    monkeypatch.setattr(lab, "run", gone_after_the_edit)
    with pytest.raises(TaskFailedError) as caught:
        carry_out(lab, site)
    assert "could not be put back: no answer from pve1" in caught.value.message
    assert "/var/lib/rocmox/container-backups/101.conf." in caught.value.remedy


def test_a_device_that_pve_refuses_undoes_the_migration_too(lab: LabNode) -> None:
    legacy_container(lab)
    before = lab.config(101)
    site = plan(lab, LLM, migrate_legacy=True)
    lab.set_devices(0)
    with pytest.raises(TaskFailedError, match="Device /dev/dri/renderD129 does not exist"):
        carry_out(lab, site)
    assert lab.config(101) == before
    assert status(lab, 101) == "running"


def test_raw_lines_of_a_running_container_stay_when_it_may_not_restart(lab: LabNode) -> None:
    legacy_container(lab)
    site = plan(lab, LLM, migrate_legacy=True, restart=False)
    assert site.steps == ()
    assert "turns them into devN and restarts it" in plan_warnings(site)[0]


def test_a_file_that_changed_since_the_plan_is_not_edited(lab: LabNode) -> None:
    legacy_container(lab)
    site = plan(lab, LLM, migrate_legacy=True)
    path = lab.config_path(101)
    path.write_text("#somebody was here\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    before = lab.config(101)
    with pytest.raises(TaskFailedError, match="changed meanwhile"):
        carry_out(lab, site)
    assert lab.config(101) == before
    assert status(lab, 101) == "running"


def test_a_failed_restart_says_that_a_disk_stays_grown(lab: LabNode, monkeypatch: pytest.MonkeyPatch) -> None:
    carry_out(lab, plan(lab, LLM))
    before = lab.config(101)
    site = plan(lab, LLM | {"gpus": ["0000:03:00.0"], "disk_gib": 2})
    lose_device_between_shutdown_and_start(lab, monkeypatch, "/dev/dri/card0")
    with pytest.raises(TaskFailedError, match="as before but for the disk, which stays grown"):
        carry_out(lab, site)
    assert lab.config(101) == before.replace("size=1G", "size=2G")
