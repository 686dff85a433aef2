import dataclasses
from pathlib import Path
from typing import Any

import pytest

from rocmox.errors import RefusedError
from rocmox.facts.boot_tool import BootKernels
from rocmox.host import files, places, upgrade
from rocmox.host.resolve import Offer
from rocmox.host.state import HostState
from tests.unit.host.nodes import A, B, C, built, driven, offer, wish
from tests.unit.rocmox_lab.scripted_machine import ScriptedMachine


@pytest.fixture(autouse=True)
def own_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("UPGRADE", "LAST_UPGRADE", "LEDGER"):
        monkeypatch.setattr(places, name, str(tmp_path / f"{name.lower()}.json"))


def planned(node: HostState, offered: Offer, monkeypatch: pytest.MonkeyPatch, **fields: Any) -> upgrade.UpgradePlan:
    monkeypatch.setattr(upgrade, "ask", lambda *_args, **_kwargs: offered)
    return upgrade.plan_upgrade(ScriptedMachine(), node, wish(**fields))


def test_headers_before_the_kernel_before_the_build_before_the_boot(monkeypatch: pytest.MonkeyPatch) -> None:
    found = planned(driven(), offer(A, B, newest=B), monkeypatch)
    assert (found.old, found.new, found.phase) == (A, B, "build")
    assert found.todo[:4] == (
        f"install proxmox-headers-{B}",
        f"install proxmox-kernel-{B}-signed",
        f"build amdgpu for {B}",
        f"boot {B} once",
    )
    assert found.todo[-1] == f"pin kernel {B}"


def test_a_second_run_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    node = driven(running=B, kernels=(A, B), dkms=built(A, B), boot=BootKernels(pinned=B))
    assert planned(node, offer(B, newest=B), monkeypatch).phase == "nothing"


def test_a_run_that_was_cut_off_after_building_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    node = driven(kernels=(A, B), dkms=built(A, B), with_headers=frozenset({A, B}))
    found = planned(node, offer(B, newest=B), monkeypatch)
    assert found.phase == "boot"
    assert not any("install" in text for text in found.todo)


def test_a_run_that_was_cut_off_on_the_new_kernel_confirms_it(monkeypatch: pytest.MonkeyPatch) -> None:
    files.write_document(places.UPGRADE, {"old": A, "new": B, "phase": "booted"})
    node = driven(running=B, kernels=(A, B), dkms=built(A, B), with_headers=frozenset({A, B}))
    found = planned(node, offer(B, newest=B), monkeypatch)
    assert (found.old, found.new, found.phase) == (A, B, "confirm")


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
    assert upgrade.durations({"prepared_at": 1.0}) == {
        "build_seconds": None,
        "downtime_seconds": None,
        "built_before_downtime": False,
    }


def test_a_failure_is_history_and_the_old_kernel_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    files.write_document(places.UPGRADE, {"old": A, "new": B, "phase": "failed", "error": "amdgpu is not loaded"})
    assert upgrade.fail("given up")["error"] == "amdgpu is not loaded"
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
    monkeypatch.setattr(upgrade.build, "require", lambda _machine, kernel: upgrade.build.Built(kernel=kernel))
    monkeypatch.setattr(upgrade.hook, "keep_default", lambda _machine: None)
    machine = ScriptedMachine(files={f"/boot/initrd.img-{B}": ""})
    upgrade.prepare(machine, node, found, cut_off=cut_off)
    assert [argv for argv in machine.asked if argv[0] in {"depmod", "update-initramfs"}] == renewed
