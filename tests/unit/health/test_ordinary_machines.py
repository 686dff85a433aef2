"""Machines in order that are no row of equal cards: nothing alarms."""

from collections.abc import Callable
from pathlib import Path

import pytest

from rocmox.health.context import Context
from rocmox.health.result import Result, Verdict
from rocmox.health.run import run_checks
from rocmox.machine.captured import CapturedMachine
from rocmox_lab.gpus.changes import Changes
from rocmox_lab.gpus.tree_view import TreeView

Trees = Callable[[str], Path]
QUIET = {Verdict.PASS, Verdict.NOT_APPLICABLE}
CARD = "0000:03:00.0"


def alarms(root: Path) -> list[tuple[str, str]]:
    results = run_checks(Context(machine=CapturedMachine(root)))
    return [(result.code, result.summary) for result in results if result.verdict not in QUIET]


def said(root: Path, check: str) -> Result:
    (result,) = run_checks(Context(machine=CapturedMachine(root)), only=[check])
    return result


def view_of(root: Path) -> TreeView:
    return TreeView(Changes(root))


def test_a_laptop_with_nothing_but_its_processors_graphics(fresh_tree: Trees) -> None:
    """2 GiB of system memory behind a register of 256 MiB, no slot, no limits, an old gpu_metrics."""
    root = fresh_tree("mi50x1")
    view = view_of(root)
    view.set_property(0, "gfx_target_version", 90012)
    for name, content in {
        "device": "0x1638",
        "vbios_version": "113-CEZANNE-018",
        "mem_info_vram_total": str(2 << 30),
        "mem_info_vis_vram_total": str(2 << 30),
        "resource": "0x000000e000000000 0x000000e00fffffff 0x000000000014220c",
        "current_link_width": "0",
    }.items():
        view.changes.write(view.device(0, name), content)
    metrics = bytearray(120)
    metrics[:4] = b"\x78\x00\x02\x01"
    metrics[108] = 0x20
    view.changes.write(view.device(0, "gpu_metrics"), bytes(metrics))
    for name in view.changes.names(view.device(0, "hwmon/hwmon2")):
        if name.startswith(("temp2", "temp3", "temp1_crit", "temp1_emergency", "power1_cap")):
            view.changes.remove(view.hwmon(0, name))
    view.changes.remove(view.device(0, "ras"))
    assert alarms(root) == []


@pytest.mark.parametrize("check", ["thermal", "power", "throttle"])
def test_a_card_that_sleeps_has_no_readings(fresh_tree: Trees, check: str) -> None:
    root = fresh_tree("mi50x1")
    view = view_of(root)
    view.changes.write(view.device(0, "power/runtime_status"), "suspended")
    view.changes.remove(view.device(0, "hwmon"))
    view.changes.remove(view.device(0, "gpu_metrics"))
    result = said(root, check)
    assert (result.subject, result.verdict) == (CARD, Verdict.NOT_APPLICABLE)
    assert "sleeps" in result.summary


def test_a_card_that_is_awake_without_readings_is_still_unknown(fresh_tree: Trees) -> None:
    root = fresh_tree("mi50x1")
    view = view_of(root)
    view.changes.write(view.device(0, "power/runtime_status"), "active")
    view.changes.remove(view.device(0, "hwmon"))
    assert said(root, "thermal").code == "THERMAL_CANNOT_LOOK"


def test_one_card_on_which_the_firmware_had_to_show_its_picture(fresh_tree: Trees) -> None:
    root = fresh_tree("w7900x2")
    view = view_of(root)
    view.changes.write(view.device(0, "boot_vga"), "1")
    assert [code for code, _ in alarms(root) if code.startswith("DISPLAY")] == []


def test_counters_that_were_switched_off_say_nothing_of_a_card(fresh_tree: Trees) -> None:
    root = fresh_tree("mi50x1")
    view = view_of(root)
    view.changes.remove(view.device(0, "ras"))
    assert [code for code, _ in alarms(root)] == ["IDENTITY_NO_ECC"]
    view.changes.write("/sys/module/amdgpu/parameters/ras_enable", "0")
    assert alarms(root) == []


def test_a_card_of_another_maker_is_none_of_ours(fresh_tree: Trees) -> None:
    root = fresh_tree("mi50x3")
    view = view_of(root)
    view.changes.write(view.device(0, "vendor"), "0x10de")
    results = run_checks(Context(machine=CapturedMachine(root)), only=["driver", "bar", "link", "thermal", "firmware"])
    assert not [result for result in results if result.subject == CARD]
    assert {result.verdict for result in results} == {Verdict.PASS}
