from collections.abc import Callable
from pathlib import Path

import pytest

from rocmox.health.checks import driver
from rocmox.health.context import Context
from rocmox.health.result import Result, Verdict
from rocmox.machine.captured import CapturedMachine

Trees = Callable[[str], Path]
FIRST = "0000:03:00.0"


def run(root: Path) -> list[Result]:
    return list(driver.run(Context(machine=CapturedMachine(root))))


def bind_to(root: Path, driver_name: str | None) -> None:
    device = root / f"sys/bus/pci/devices/{FIRST}"
    (device / "driver").unlink()
    if driver_name:
        (root / "sys/bus/pci/drivers" / driver_name).mkdir()
        (device / "driver").symlink_to(f"/sys/bus/pci/drivers/{driver_name}")


def test_three_healthy_cards(gpu_tree: Trees) -> None:
    results = run(gpu_tree("mi50x3"))
    assert [(result.subject, result.code) for result in results] == [
        ("0000:03:00.0", "DRIVER_OK"),
        ("0000:06:00.0", "DRIVER_OK"),
        ("0000:09:00.0", "DRIVER_OK"),
    ]


def test_no_card_is_not_applicable(gpu_tree: Trees) -> None:
    assert [result.verdict for result in run(gpu_tree("none"))] == [Verdict.NOT_APPLICABLE]


@pytest.mark.parametrize(
    ("name", "says"), [(None, "modprobe amdgpu"), ("vfio-pci", "hostpci"), ("radeon", "modprobe amdgpu")]
)
def test_another_driver_fails_with_a_way_out(fresh_tree: Trees, name: str | None, says: str) -> None:
    root = fresh_tree("mi50x1")
    bind_to(root, name)
    (result,) = run(root)
    assert (result.code, result.verdict) == ("DRIVER_NOT_BOUND", Verdict.FAIL)
    assert says in result.remedy
    assert (name or "no driver") in result.summary


@pytest.mark.parametrize(
    ("name", "code", "verdict"),
    [
        ("vfio-pci", "DRIVER_NOT_BOUND", Verdict.WARN),
        ("radeon", "DRIVER_NOT_APPLICABLE", Verdict.NOT_APPLICABLE),
        (None, "DRIVER_NOT_BOUND", Verdict.FAIL),
    ],
)
def test_beside_other_cards_a_driver_may_be_meant(
    fresh_tree: Trees, name: str | None, code: str, verdict: Verdict
) -> None:
    root = fresh_tree("mi50x3")
    bind_to(root, name)
    results = {result.subject: result for result in run(root)}
    assert (results[FIRST].code, results[FIRST].verdict) == (code, verdict)
    assert {result.code for subject, result in results.items() if subject != FIRST} == {"DRIVER_OK"}


def test_no_kfd_node_fails(fresh_tree: Trees) -> None:
    root = fresh_tree("mi50x1")
    (root / "sys/class/kfd/kfd").unlink()
    assert [result.code for result in run(root)] == ["DRIVER_NO_KFD_NODE"]


def test_no_render_node_fails(fresh_tree: Trees) -> None:
    root = fresh_tree("mi50x1")
    (root / "sys/class/drm/renderD128").unlink()
    assert [result.code for result in run(root)] == ["DRIVER_NO_RENDER_NODE"]


def test_a_container_has_no_driver(fresh_tree: Trees) -> None:
    root = fresh_tree("mi50x1")
    (root / "run/systemd").mkdir(parents=True)
    (root / "run/systemd/container").write_text("lxc\n")
    assert [result.code for result in run(root)] == ["DRIVER_NOT_APPLICABLE"]
