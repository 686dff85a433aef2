from __future__ import annotations

from pathlib import Path

from rocmox_lab.vm import gpu_tree


def registered(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / "drm" / name).mkdir(parents=True)
    return folder / "drm"


def test_cards_have_the_numbers_of_the_driver(tmp_path: Path) -> None:
    for first in (0, 1):
        drm = registered(tmp_path / str(first), f"card{first}", "renderD128")
        tree = tmp_path / f"tree{first}"
        gpu_tree.rebuild("mi50x3", tree, release="6.8.12-9-pve", drm=drm)
        devices = [path.parent.parent.name for path in sorted((tree / "sys/devices").rglob("drm/card[0-9]"))]
        assert sorted(path.name for path in (tree / "sys/class/drm").glob("card[0-9]")) == [
            f"card{number}" for number in range(3 + first)
        ]
        assert devices.count("0000:09:00.0") == 1


def test_without_the_driver_nothing_claims_the_cards(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    gpu_tree.rebuild("mi50x3", tree, release="6.8.12-9-pve", drm=tmp_path / "none")
    assert (tree / "sys/bus/pci/devices/0000:09:00.0/vendor").read_text() == "0x1002\n"
    assert not list((tree / "sys").rglob("card[0-9]"))
    assert not (tree / "sys/bus/pci/devices/0000:09:00.0/driver").is_symlink()
    assert "amdgpu" not in (tree / "proc/modules").read_text()
    gpu_tree.rebuild("mi50x3", tree, release="6.8.12-9-pve", drm=registered(tmp_path, "card1"))
    assert (tree / "sys/class/drm/card1").exists()


def test_a_tree_that_fits_is_left_alone(tmp_path: Path) -> None:
    tree, drm = tmp_path / "tree", registered(tmp_path, "card1")
    gpu_tree.rebuild("mi50x1", tree, release="6.8.12-9-pve", drm=drm)
    (tree / "mark").touch()
    gpu_tree.rebuild("mi50x1", tree, release="6.8.12-9-pve", drm=drm)
    assert (tree / "mark").exists()
    gpu_tree.rebuild("mi50x1", tree, release="6.8.12-10-pve", drm=drm)
    assert not (tree / "mark").exists()
