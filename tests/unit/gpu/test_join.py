from collections.abc import Callable
from pathlib import Path

import pytest

from rocmox.errors import CannotLookError
from rocmox.gpu import read_gpus
from rocmox.machine import Machine
from rocmox.machine.captured import CapturedMachine

Trees = Callable[[str], Path]
Machines = Callable[[str], Machine]


def names(machine: Machine) -> list[tuple[object, ...]]:
    return [(gpu.pci_address, gpu.card, gpu.render, gpu.kfd_node, gpu.architecture) for gpu in read_gpus(machine)]


def test_three_cards_beside_a_bmc(gpu_machine: Machines) -> None:
    assert names(gpu_machine("mi50x3")) == [
        ("0000:03:00.0", 1, 128, 1, "gfx906"),
        ("0000:06:00.0", 2, 129, 2, "gfx906"),
        ("0000:09:00.0", 3, 130, 3, "gfx906"),
    ]


def test_two_w7900(gpu_machine: Machines) -> None:
    gpus = read_gpus(gpu_machine("w7900x2"))
    assert [(gpu.pci_address, gpu.card_path, gpu.render_path) for gpu in gpus] == [
        ("0000:03:00.0", "/dev/dri/card0", "/dev/dri/renderD128"),
        ("0000:c3:00.0", "/dev/dri/card1", "/dev/dri/renderD129"),
    ]
    assert {(gpu.architecture, gpu.compute_units, gpu.model) for gpu in gpus} == {("gfx1100", 96, "Radeon PRO W7900")}


def test_a_healthy_card_leaves_nothing_unknown(gpu_machine: Machines) -> None:
    assert [gpu.unknown for gpu in read_gpus(gpu_machine("mi50x3"))] == [{}, {}, {}]


def test_the_link_is_that_of_the_slot(gpu_machine: Machines) -> None:
    links = [gpu.link for gpu in read_gpus(gpu_machine("mi50x3"))]
    assert [(link.at, link.speed_gts, link.width) for link in links if link] == [
        ("0000:00:01.0", 8.0, 8),
        ("0000:00:02.0", 8.0, 16),
        ("0000:00:03.0", 8.0, 8),
    ]


def test_minors_may_change_places(fresh_tree: Trees) -> None:
    """After a boot card1 may be another card: the address decides, never the number."""
    root = fresh_tree("mi50x3")
    drm = root / "sys/class/drm"
    first, third = (drm / "renderD128").readlink(), (drm / "renderD130").readlink()
    for name, target in (("renderD128", third), ("renderD130", first)):
        (drm / name).unlink()
        (drm / name).symlink_to(target)
    assert [gpu.render for gpu in read_gpus(CapturedMachine(root))] == [130, 129, 128]


def test_a_machine_without_cards_has_none(gpu_machine: Machines) -> None:
    assert read_gpus(gpu_machine("none")) == []


def test_a_machine_without_pci_cannot_be_looked_at(tmp_path: Path) -> None:
    with pytest.raises(CannotLookError, match="/sys/bus/pci/devices"):
        read_gpus(CapturedMachine(tmp_path))


def test_without_the_driver_the_table_knows_the_architecture(fresh_tree: Trees) -> None:
    root = fresh_tree("mi50x1")
    device = (root / "sys/class/drm/card0/device").resolve()
    (device / "driver").unlink()
    for link in [*(root / "sys/class/drm").iterdir(), root / "sys/class/kfd/kfd"]:
        link.unlink()
    gpu = read_gpus(CapturedMachine(root))[0]
    assert (gpu.architecture, gpu.driver, gpu.card, gpu.render, gpu.kfd_node) == ("gfx906", None, None, None, None)
    assert gpu.unknown["card"] == "no minor in /sys/class/drm; driver: none"
    assert "No such file" in gpu.unknown["kfd_node"]


def test_an_unknown_card_without_kfd_says_why(fresh_tree: Trees) -> None:
    root = fresh_tree("mi50x1")
    device = (root / "sys/class/drm/card0/device").resolve()
    (device / "device").write_text("0x1234\n")
    (root / "sys/devices/virtual/kfd/kfd/topology/nodes/1/properties").write_bytes(b"\xff\x00binary")
    gpu = read_gpus(CapturedMachine(root))[0]
    assert (gpu.model, gpu.architecture) == (None, None)
    assert gpu.unknown["architecture"] == "no KFD node, and 1002:1234 is not in the table"
    assert "node 1" in gpu.unknown["kfd_node"]
