from pathlib import Path

from rocmox_lab.gpu_devices import build_gpu_tree, device_lines
from rocmox_lab.gpus import DeviceNode
from rocmox_lab.package_copy import refresh_package


def test_the_copy_follows_the_package(tmp_path: Path) -> None:
    source, code = tmp_path / "rocmox", tmp_path / "code" / "rocmox"
    (source / "lab" / "__pycache__").mkdir(parents=True)
    (source / "lab" / "one.py").write_text("1")
    (source / "lab" / "__pycache__" / "one.pyc").write_text("x")
    assert refresh_package(code, source)
    assert not refresh_package(code, source)
    (source / "lab" / "two.py").write_text("2")
    (source / "lab" / "one.py").unlink()
    assert refresh_package(code, source)
    assert [path.name for path in (code / "lab").iterdir()] == ["two.py"]


def test_devices_become_tmpfiles_lines_with_group_and_mode() -> None:
    card = DeviceNode(path="/dev/dri/card1", major=226, minor=1, group="video", mode=0o660)
    lines = device_lines([card]).splitlines()
    assert "c /dev/dri/card1 0660 root video - 226:1" in lines
    assert lines.index("d /dev/dri 0755 root root - -") < lines.index("c /dev/dri/card1 0660 root video - 226:1")
    assert "/dev/dri" not in device_lines([])


def test_a_gpu_tree_is_replaced_whole(tmp_path: Path) -> None:
    place = tmp_path / "var" / "gpus"
    assert "/dev/kfd" in build_gpu_tree("mi50x3", place)
    (place / "old").touch()
    assert "/dev/kfd" not in build_gpu_tree("none", place)
    assert not (place / "old").exists()
    assert [path.name for path in place.parent.iterdir()] == ["gpus"]
