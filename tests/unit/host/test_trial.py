import dataclasses
from pathlib import Path
from typing import Any

import pytest

from rocmox.errors import RocmoxError
from rocmox.facts.amdgpu import Module
from rocmox.facts.boot_tool import BootKernels
from rocmox.host import files, places
from rocmox.host.state import HostState
from rocmox.host.upgrade import steps, trial
from rocmox.host.upgrade.record import Card, Phase, UpgradeRecord, read_record
from tests.unit.host.nodes import A, B, built, driven
from tests.unit.rocmox_lab.scripted_machine import ScriptedMachine


@pytest.fixture(autouse=True)
def own_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("UPGRADE", "LAST_UPGRADE", "LEDGER"):
        monkeypatch.setattr(places, name, str(tmp_path / f"{name.lower()}.json"))


def on_b(**fields: Any) -> HostState:
    new = driven(running=B, kernels=(A, B), dkms=built(A, B), boot=BootKernels(pinned=A, next_boot=B))
    return dataclasses.replace(new, **fields)


def on_trial(**fields: Any) -> None:
    files.write_document(places.UPGRADE, {"old": A, "new": B, "phase": "trial", "cards": [], "guests": [], **fields})


def test_a_kernel_that_drives_its_cards_stays() -> None:
    on_trial()
    machine = ScriptedMachine()
    assert trial.judge(machine, on_b) == "fine"
    assert files.read_document(places.UPGRADE)["phase"] == "booted"
    assert ("systemctl", "reboot") not in machine.asked


@pytest.mark.parametrize(
    ("node", "words"),
    [
        (on_b(module=Module(loaded=False, kind=None, version=None)), "amdgpu is not loaded"),
        (on_b(module=Module(loaded=True, kind="inbox", version=None)), "the kernel's own amdgpu"),
        (on_b(dkms=built(A)), "dkms has no amdgpu"),
    ],
)
def test_a_kernel_without_its_driver_goes_back(node: HostState, words: str) -> None:
    on_trial()
    machine = ScriptedMachine()
    times = iter(range(0, 10000, 50))
    assert trial.judge(machine, lambda: node, sleep=lambda _: None, now=lambda: float(next(times))) == "back"
    document = files.read_document(places.UPGRADE)
    assert document["phase"] == "failed"
    assert words in document["error"]
    assert ("proxmox-boot-tool", "kernel", "unpin", "--next-boot") in machine.asked
    assert machine.asked[-1] == ("systemctl", "reboot")


def test_it_never_goes_back_to_a_kernel_without_a_module() -> None:
    on_trial()
    machine = ScriptedMachine()
    node = on_b(dkms=(), module=Module(loaded=False, kind=None, version=None))
    times = iter(range(0, 10000, 50))
    trial.judge(machine, lambda: node, sleep=lambda _: None, now=lambda: float(next(times)))
    assert ("systemctl", "reboot") not in machine.asked


def test_a_power_cut_before_the_pin_leaves_the_old_kernel() -> None:
    on_trial()
    assert trial.judge(ScriptedMachine(), driven) == "old"
    assert files.read_document(places.UPGRADE)["phase"] == "failed"


def test_without_an_upgrade_nothing_is_judged() -> None:
    machine = ScriptedMachine()
    assert trial.judge(machine, driven) == "none"
    assert machine.asked == []


def test_a_card_that_is_gone_is_named() -> None:
    record = UpgradeRecord(phase=Phase.TRIAL, new=B, cards=(Card(pci_address="0000:03:00.0", unique_id="aa"),))
    assert trial.faults(on_b(), record) == ["card 0000:03:00.0 (aa) is gone"]


@pytest.mark.parametrize(
    ("before", "after", "count"),
    [
        ({"p2p": "PASS"}, {"p2p": "FAIL"}, 1),
        ({"p2p": "FAIL"}, {"p2p": "CRIT"}, 0),
        ({"p2p": "PASS"}, {"p2p": "UNKNOWN"}, 1),
        ({"p2p": "UNKNOWN"}, {"p2p": "UNKNOWN"}, 0),
        ({"p2p": "NOT_APPLICABLE"}, {"p2p": "UNKNOWN"}, 0),
        ({}, {"p2p": "UNKNOWN"}, 0),
        ({}, {"driver 0000:03:00.0": "FAIL"}, 1),
        ({"p2p": "PASS"}, {"p2p": "WARN"}, 0),
    ],
)
def test_what_counts_as_worse(before: dict[str, str], after: dict[str, str], count: int) -> None:
    assert len(trial.regressions(before, after)) == count


def test_the_new_kernel_is_pinned_for_good_and_the_times_are_told() -> None:
    on_trial(prepared_at=100.0, built_at=160.0, down_at=200.0, up_at=245.5)
    machine = ScriptedMachine()
    report = steps.conclude(machine, on_b())
    assert ("proxmox-boot-tool", "kernel", "pin", B) in machine.asked
    assert (report["build_seconds"], report["downtime_seconds"], report["built_before_downtime"]) == (60.0, 45.5, True)
    assert not Path(places.UPGRADE).exists()
    assert files.read_document(places.LAST_UPGRADE)["phase"] == "done"


def test_nothing_is_switched_without_a_module() -> None:
    on_trial()
    machine = ScriptedMachine()
    with pytest.raises(RocmoxError, match="no module built"):
        steps.switch(machine, driven())
    assert machine.asked == []


def test_a_torn_file_is_no_upgrade() -> None:
    Path(places.UPGRADE).write_text('{"old": "6.8')
    assert read_record() is None
