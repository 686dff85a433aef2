import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from rocmox.errors import RefusedError, RocmoxError
from rocmox.facts.boot_tool import BootKernels
from rocmox.host import files, places
from rocmox.host.kernels import build, hook
from rocmox.host.packages.resolve import Offer
from rocmox.host.state import HostState
from rocmox.host.upgrade import plan as upgrade_plan
from rocmox.host.upgrade import steps
from rocmox.host.upgrade.plan import UpgradePlan
from rocmox.host.upgrade.record import Phase, UpgradeRecord, parse_record, read_record, write_record
from tests.unit.host.nodes import A, B, C, built, desired, driven, offer
from tests.unit.rocmox_lab.scripted_machine import ScriptedMachine


@pytest.fixture(autouse=True)
def own_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("UPGRADE", "LAST_UPGRADE", "LEDGER"):
        monkeypatch.setattr(places, name, str(tmp_path / f"{name.lower()}.json"))


def planned(node: HostState, offered: Offer, monkeypatch: pytest.MonkeyPatch, **fields: Any) -> UpgradePlan:
    monkeypatch.setattr(upgrade_plan, "ask", lambda *_args, **_kwargs: offered)
    return upgrade_plan.plan_upgrade(ScriptedMachine(), node, desired(**fields))


def test_headers_before_the_kernel_before_the_build_before_the_boot(monkeypatch: pytest.MonkeyPatch) -> None:
    found = planned(driven(), offer(A, B, newest=B), monkeypatch)
    assert (found.old, found.new, found.stage) == (A, B, "build")
    assert found.todo[:4] == (
        f"install proxmox-headers-{B}",
        f"install proxmox-kernel-{B}-signed",
        f"build amdgpu for {B}",
        f"boot {B} once",
    )
    assert found.todo[-1] == f"pin kernel {B}"


def test_a_second_run_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    node = driven(running=B, kernels=(A, B), dkms=built(A, B), boot=BootKernels(pinned=B))
    assert planned(node, offer(B, newest=B), monkeypatch).stage == "nothing"


def test_a_run_that_was_cut_off_after_building_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    node = driven(kernels=(A, B), dkms=built(A, B), with_headers=frozenset({A, B}))
    found = planned(node, offer(B, newest=B), monkeypatch)
    assert found.stage == "boot"
    assert not any("install" in text for text in found.todo)


def test_a_run_that_was_cut_off_on_the_new_kernel_confirms_it(monkeypatch: pytest.MonkeyPatch) -> None:
    files.write_document(places.UPGRADE, {"old": A, "new": B, "phase": "booted"})
    node = driven(running=B, kernels=(A, B), dkms=built(A, B), with_headers=frozenset({A, B}))
    found = planned(node, offer(B, newest=B), monkeypatch)
    assert (found.old, found.new, found.stage) == (A, B, "confirm")


def test_a_kernel_that_is_installed_and_newer_is_the_target(monkeypatch: pytest.MonkeyPatch) -> None:
    node = driven(kernels=(A, C), with_headers=frozenset({A, C}))
    assert planned(node, offer(newest=A), monkeypatch).new == C


@pytest.mark.parametrize(
    ("node", "offered", "fields", "words"),
    [
        (driven(), offer(A, newest=B), {}, "no source offers headers"),
        (driven(), offer(A, newest=A), {"upgrade_kernel": "6.8.12-99-pve"}, "no source offers kernel"),
        (driven(), offer(A, "6.11.0-1-pve"), {"upgrade_kernel": "6.11.0-1-pve"}, "known to fail"),
        (driven(secure_boot=True), offer(A, B, newest=B), {}, "Secure Boot is on"),
        (driven(free_bytes={"/boot": 1, "/": 10**10}), offer(A, B, newest=B), {}, "/boot has 0 MB free"),
        (driven(dkms=()), offer(A, B, newest=B), {}, "amdgpu-dkms is not installed"),
        (driven(), offer(A, B, newest=B), {"driver": "inbox"}, "amdgpu_host_driver is inbox"),
    ],
)
def test_each_stops_before_a_change(
    node: HostState, offered: Offer, fields: dict[str, Any], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(RefusedError, match=words.replace("/", "/")):
        planned(node, offered, monkeypatch, **fields)
    assert not Path(places.UPGRADE).exists()


def test_durations_of_what_did_not_happen_are_unknown() -> None:
    assert UpgradeRecord(phase=Phase.BUILDING, prepared_at=1.0).durations() == {
        "build_seconds": None,
        "downtime_seconds": None,
        "built_before_downtime": False,
    }


def test_a_failure_is_history_and_the_old_kernel_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    files.write_document(places.UPGRADE, {"old": A, "new": B, "phase": "failed", "error": "amdgpu is not loaded"})
    assert steps.fail("given up")["error"] == "amdgpu is not loaded"
    found = planned(dataclasses.replace(driven(), kernels=(A, B)), offer(A, B, newest=B), monkeypatch)
    assert found.old == A


@pytest.mark.parametrize(
    ("cut_off", "renewed"), [(True, [("depmod", B), ("update-initramfs", "-u", "-k", B)]), (False, [])]
)
def test_what_a_cut_may_have_left_unwritten_is_made_anew(
    *, cut_off: bool, renewed: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    node = driven(kernels=(A, B), dkms=built(A, B), with_headers=frozenset({A, B}))
    found = planned(node, offer(B, newest=B), monkeypatch)
    monkeypatch.setattr(build, "require", lambda _machine, kernel: build.Built(kernel=kernel))
    monkeypatch.setattr(hook, "keep_default", lambda _machine: None)
    machine = ScriptedMachine(files={f"/boot/initrd.img-{B}": ""})
    steps.prepare(machine, node, found, cut_off=cut_off)
    assert [argv for argv in machine.asked if argv[0] in {"depmod", "update-initramfs"}] == renewed


# As rocmox 0.1 left it on a node whose kernel is on trial.
OF_0_1 = {
    "schema_version": 1,
    "old": A,
    "new": B,
    "phase": "trial",
    "verdicts": {"p2p": "PASS"},
    "prepared_at": 1.5,
    "built_at": 2.5,
    "guests": [{"kind": "ct", "vmid": 101}],
    "cards": [{"pci_address": "0000:03:00.0", "unique_id": None}],
    "down_at": None,
    "up_at": None,
    "error": "",
}


def test_a_record_of_0_1_is_understood_and_keeps_its_keys() -> None:
    Path(places.UPGRADE).write_text(json.dumps(OF_0_1))
    record = read_record()
    assert record is not None
    assert (record.phase, record.guests, record.built_at, record.down_at) == (Phase.TRIAL, (("ct", 101),), 2.5, None)
    write_record(dataclasses.replace(record, down_at=3.5))
    written = json.loads(Path(places.UPGRADE).read_text())
    same = [name for name in OF_0_1 if name not in {"down_at", "up_at"}]
    assert {name: written[name] for name in same} == {name: OF_0_1[name] for name in same}
    assert written["down_at"] == 3.5


@pytest.mark.parametrize("phase", list(Phase))
def test_every_phase_comes_back(phase: Phase) -> None:
    assert read_record() is None
    record = UpgradeRecord(phase=phase, old=A, new=B, up_at=1.0, guest_complaints=("ct 101",), verdicts={"mes": "WARN"})
    write_record(record)
    assert read_record() == record


@pytest.mark.parametrize(
    "text",
    [
        '{"phase": "dreaming"}',
        '{"old": "6.8"}',
        "[1]",
        '{"phase": "built", "built_at": "noon"}',
        '{"phase": "trial", "guests": [1]}',
    ],
)
def test_a_document_that_nobody_wrote_is_refused_with_its_place(text: str) -> None:
    with pytest.raises(RocmoxError, match=r"/x/upgrade\.json is not the record of an upgrade") as refused:
        parse_record(text, path="/x/upgrade.json")
    assert "rm /x/upgrade.json" in str(refused.value.remedy)


def test_a_later_rocmox_may_write_more() -> None:
    assert parse_record('{"phase": "built", "colour": "red"}', path="x") == UpgradeRecord(phase=Phase.BUILT)
