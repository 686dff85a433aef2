from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from rocmox_lab.apt_repository import Package, build_package


def test_a_package_says_what_it_is() -> None:
    package = Package(name="amdgpu-dkms", version="1:6.8.5-1", fields={"Depends": "dkms"})
    assert package.filename == "amdgpu-dkms_6.8.5-1_all.deb"
    assert package.control.splitlines()[:4] == [
        "Package: amdgpu-dkms",
        "Version: 1:6.8.5-1",
        "Architecture: all",
        "Depends: dkms",
    ]


@pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="dpkg-deb is Debian's")
def test_its_paragraph_points_at_the_pool(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    paragraph = build_package(Package(name="x", version="1"), tmp_path / "tree", tmp_path / "pool")
    deb = tmp_path / "pool" / "x_1_all.deb"
    assert f"Filename: pool/x_1_all.deb\nSize: {deb.stat().st_size}\n" in paragraph
